"""What the tap costs, beside doing nothing, the handler everybody writes first, and its peers: `make bench`."""
