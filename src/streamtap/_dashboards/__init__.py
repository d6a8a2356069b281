"""Boards, rules and alerts: what writes them from the metric catalogue, and what compares an export with them."""
