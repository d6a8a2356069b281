"""The only place that knows pydantic-ai's objects, and how they differ between its releases.

Kinds are compared as strings (`event_kind`, `part_kind`, `outcome`), which are stable across releases; classes are not.
"""
