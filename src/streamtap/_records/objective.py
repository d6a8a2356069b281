"""What the user promises to the people who wait for an agent."""

from __future__ import annotations

from dataclasses import dataclass, fields

from streamtap._base.checks import check_positive


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What a run has to keep to be a good one, besides that it does not fail: give it to `Tap(objective=...)`.

    A run that nobody waits for has no objective: one that another run called counts for its caller. A run that its caller
    stopped, that waits for a decision, or whose end was not seen counts only if it had missed something by then.

    Args:
        first_output: Seconds from when the run was asked for until the user sees the first output; until the end of the
            run, where it shows nothing before.
        stall: Seconds of the longest silence in the middle of one of the run's own responses.
        duration: Seconds of the run, the wait for a slot included.
        cost: US dollars of the run, with the runs that it called. One without a known price is not counted.

    Raises:
        TypeError: If one of them is not a number.
        ValueError: If one of them is not above 0, or all are `None`.
    """

    first_output: float | None = None
    stall: float | None = None
    duration: float | None = None
    cost: float | None = None

    def __post_init__(self) -> None:
        stated = {each.name: getattr(self, each.name) for each in fields(self)}
        for name, limit in stated.items():
            if limit is not None:
                check_positive(name, limit, 'US dollars' if name == 'cost' else 'seconds')
        if all(limit is None for limit in stated.values()):
            raise ValueError('an Objective needs at least one of first_output, stall, duration and cost')
