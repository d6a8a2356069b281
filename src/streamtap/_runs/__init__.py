"""Open runs, their requests and tool calls, until they become records."""
