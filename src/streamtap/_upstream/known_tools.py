"""Reads what a run's tool manager knows about the tools."""

from __future__ import annotations

from streamtap._base.names import clean

UNKNOWN_TOOL = '_unknown'
"""The reported name of every tool that a model invented."""


def _definition(manager: object, name: str) -> object | None:
    """The manager's definition of the tool; `None` for a tool that it does not know.

    Raises:
        LookupError: If that is unknown: there is no manager, or (in a context of `run_stream()`) it has no step yet.
    """
    look_up = getattr(manager, 'get_tool_def', None)
    if not callable(look_up):
        raise LookupError(name)
    try:
        return look_up(name)
    except ValueError as error:
        raise LookupError(name) from error


def known_tool(manager: object, name: object) -> str:
    """The tool's name, or `_unknown` if the run's tool manager does not know it; its name if that is unclear.

    What is no text is no name.
    """
    if not isinstance(name, str):
        return UNKNOWN_TOOL
    try:
        return UNKNOWN_TOOL if _definition(manager, name) is None else clean(name)
    except LookupError:
        return clean(name)


def is_output_tool(manager: object, name: str) -> bool:
    """Whether a call of this tool is the run's final output."""
    try:
        return getattr(_definition(manager, name), 'kind', None) == 'output'
    except LookupError:
        return False


def is_answered_outside(manager: object, name: str) -> bool | None:
    """Whether calls of this tool get their result from outside the run, or wait for approval; `None` if unknown."""
    try:
        return getattr(_definition(manager, name), 'kind', None) in ('external', 'unapproved')
    except LookupError:
        return None


def is_sequential(manager: object, name: str) -> bool | None:
    """Whether the tool runs alone, not concurrently with other calls of the same response; `None` if unknown."""
    try:
        return bool(getattr(_definition(manager, name), 'sequential', False))
    except LookupError:
        return None


def execution_mode(manager: object) -> str | None:
    """How the run executes a response's calls, if known: `parallel`, `sequential` or `parallel_ordered_events`."""
    mode = getattr(manager, 'get_parallel_execution_mode', None)
    if not callable(mode):
        return None
    found = mode()
    return found if isinstance(found, str) else None
