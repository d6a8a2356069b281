"""The capability door: `capabilities=[tap.capability()]`."""
