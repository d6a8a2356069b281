"""The metric catalogue, and what maps records to it for any metrics library."""
