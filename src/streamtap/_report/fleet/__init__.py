"""Reports of very many records, on an engine made for that: the same figures as those of a single pass in Python."""
