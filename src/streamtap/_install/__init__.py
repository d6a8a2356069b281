"""A tap for every agent of the process: `install()`, agents' specs, and `opentelemetry-instrument`."""
