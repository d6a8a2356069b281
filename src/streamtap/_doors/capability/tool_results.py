"""What the capability learns from a round of tool calls on its way to the consumer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_ai.messages import AgentStreamEvent


class ToolResultsObserver:
    """Takes tool results from the events of one round of tool calls. No method raises.

    Args:
        take: Called with each event.
        hold: Called with each interval in which the consumer held an event.
        failed: Called with each exception that the tap itself raises.
    """

    def __init__(
        self,
        take: Callable[[AgentStreamEvent], None],
        hold: Callable[[float, float], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._take = take
        self._hold = hold
        self._failed = failed

    def waiting(self, held_since: float | None, now: float) -> None:
        """The consumer asks for the next event."""
        if held_since is not None:
            self._hold(held_since, now)

    def read(self, event: AgentStreamEvent, waited_from: float, now: float) -> None:
        """An event arrived."""
        try:
            self._take(event)
        except Exception as error:
            self._failed(error)
