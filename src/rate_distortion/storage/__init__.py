"""Files that are whole or absent, locks, provenance and logs. Knows nothing of studies or networks."""
