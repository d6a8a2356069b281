"""The usage ledger and its summary."""
