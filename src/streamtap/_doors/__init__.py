"""What pydantic-ai calls, turned into "this happened, now"."""
