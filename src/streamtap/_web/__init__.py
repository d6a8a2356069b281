"""The live view: what a browser shows of a tap, and the sink that remembers enough for it."""
