"""What a run's tool manager knows of the tools."""

from __future__ import annotations

UNKNOWN_TOOL = '_unknown'
"""The name of every tool that a model invented."""


def _definition(manager: object, name: str) -> object | None:
    look_up = getattr(manager, 'get_tool_def', None)
    return look_up(name) if callable(look_up) else None


def known_tool(manager: object, name: str) -> str:
    """The tool's name, or `_unknown` if the run's tool manager does not know it; the name where there is no manager."""
    if manager is None or not callable(getattr(manager, 'get_tool_def', None)):
        return name
    return name if _definition(manager, name) is not None else UNKNOWN_TOOL


def is_output_tool(manager: object, name: str) -> bool:
    """Whether a call of this tool is the run's final output."""
    return getattr(_definition(manager, name), 'kind', None) == 'output'


def is_sequential(manager: object, name: str) -> bool:
    """Whether the tool runs alone, not beside other calls of the same response."""
    return bool(getattr(_definition(manager, name), 'sequential', False))


def execution_mode(manager: object) -> str | None:
    """How the run executes the calls of one response: `parallel`, `sequential`, `parallel_ordered_events`, or unknown."""
    mode = getattr(manager, 'get_parallel_execution_mode', None)
    if not callable(mode):
        return None
    found = mode()
    return found if isinstance(found, str) else None
