"""Load, faults and invented names: after 100,000 runs, everything that was counted beside what really happened."""
