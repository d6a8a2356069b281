"""Real inference servers as judges of the tap: `python -m judges`, on demand."""
