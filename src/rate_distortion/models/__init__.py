"""Networks as torch modules, and several of one shape stacked as one. Knows nothing of data or training."""
