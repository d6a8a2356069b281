"""What writes the boards and rules from the metric catalogue."""
