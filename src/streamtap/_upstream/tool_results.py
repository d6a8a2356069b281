"""What a tool returned."""

from __future__ import annotations

from pydantic_ai.messages import ToolReturn


def returned(result: object) -> object:
    """What a tool returned to its model, without what it keeps for the application."""
    return result.return_value if isinstance(result, ToolReturn) else result
