"""Numbers from records: means with errors, capacity, fault tolerance, geometry. Knows nothing of torch."""
