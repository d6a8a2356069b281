"""The journal: records as JSON lines in a rotating file."""
