"""A run seen through its nodes' streams: one call for each response, and one for each round of tool calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamtap._upstream import outcomes
from streamtap._upstream.run_context import Call

if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable

    from streamtap._records.records import RunOutcome
    from streamtap._runs.run import Run

NO_CALL = Call(is_request=False, is_primed=False)


@dataclass(slots=True, eq=False)
class NodeRun:
    """A run from its first call until it is reported."""

    run: Run
    last_end: float
    """When its latest call ended; once it is over, its own end."""
    active: bool = True
    step: int = 0
    outcome: RunOutcome = 'incomplete'
    error_type: str | None = None
    is_told: bool = False
    """Whether its end is told; otherwise it is inferred."""
    is_over: bool = False
    """Whether its end was told."""
    last_events: Callable[[], object] = field(default=lambda: None)
    """The events that its latest call was given, if they still exist."""
    call: Call = NO_CALL
    """What its latest call is for."""
    finalizer: weakref.finalize[..., object] | None = None
    unhook_task: Callable[[], object] = field(default=lambda: None)

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.run.identity.run_id

    def raised(self, error: BaseException, ctx: object) -> None:
        """A call ended with an exception; if no other call follows, that ended the run."""
        self.outcome, self.error_type = outcomes.run_ending(error, ctx)
