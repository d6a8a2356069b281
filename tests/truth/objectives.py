"""Whether runs met what was promised of them, however they end."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from pydantic_ai import UsageLimits
from pydantic_ai.exceptions import ModelHTTPError, RunTimedOut, UsageLimitExceeded

from streamtap import Objective
from streamtap.testing import Call, Pause, Reply, Say, TokenUsage
from truth.case import Expected, Group
from truth.deferred import ASKS, careful
from truth.delegation import INNER, asking, inner
from truth.failures import BREAKS
from truth.replies import PACE, SHORT, TEXT, calling, in_turn_of_each
from truth.stops import HANGS, IN_REQUEST, SILENT
from truth.tools import good

if TYPE_CHECKING:
    from truth.world import World

OBJECTIVES = Group('Objectives')

EASY = Objective(first_output=20, stall=20, duration=30, cost=1)
LATE = Reply(SHORT.steps, headers_after=0.03, first_after=0.5, every=0.02)
PAUSES = Reply((Say('so '), Say('far'), Pause(0.6), Say(' so'), Say(' good')), **PACE)


def judged(*missed: str, met: bool | None = False, **expected: Any) -> Expected:
    """What is recorded of a run that missed these parts of its objective, or met it, or is not judged."""
    facts: dict[str, tuple[object, ...]] = {'run.objective_met': (met,), 'run.objective_missed': (missed,)}
    return Expected(**{**expected, 'facts': facts | expected.get('facts', {})})


@OBJECTIVES.case([TEXT], judged(met=True), objective=EASY)
async def met(w: World) -> None:
    """A text, well within the limits."""
    await w.run(w.agent())


@OBJECTIVES.case([TEXT], judged(met=True), doors=('capability',), objective=EASY)
async def met_unstreamed(w: World) -> None:
    """A text that nobody streams, well within the limits."""
    await w.run(w.agent(stream=False))


@OBJECTIVES.case([LATE], judged('first_output'), objective=Objective(first_output=0.25, duration=30))
async def late(w: World) -> None:
    """A first output that comes too late."""
    await w.run(w.agent())


@OBJECTIVES.case([LATE], judged('first_output'), doors=('capability',), objective=Objective(first_output=0.25))
async def late_unstreamed(w: World) -> None:
    """A run that shows nothing before its end, which comes too late."""
    await w.run(w.agent(stream=False))


@OBJECTIVES.case([PAUSES], judged('stall'), objective=Objective(stall=0.4, duration=30))
async def silent(w: World) -> None:
    """A silence in mid-stream that is longer than promised, though it is no stall yet."""
    await w.run(w.agent())


@OBJECTIVES.case([TEXT], judged('duration'), objective=Objective(first_output=20, duration=0.1))
async def long(w: World) -> None:
    """A run that takes too long."""
    await w.run(w.agent())


@OBJECTIVES.case([TEXT], judged('cost'), objective=Objective(cost=1e-9))
async def dear(w: World) -> None:
    """A run that costs too much."""
    await w.run(w.agent())


@OBJECTIVES.case([TEXT], judged(met=None), objective=Objective(cost=1))
async def unpriced(w: World) -> None:
    """A run whose cost nobody knows."""
    await w.run(w.agent(w.model('house-model')))


@OBJECTIVES.case(
    in_turn_of_each(
        {INNER: (Reply(SHORT.steps, usage=TokenUsage(100_000, 7), **PACE),)}, calling(Call('ask', '', id='a')), SHORT
    ),
    judged(
        'cost',
        requests=('success',) * 3,
        tools=good('ask'),
        nested={'inner': 'success'},
        facts={'nested.objective_met': (None,), 'nested.objective_missed': ((),)},
    ),
    objective=Objective(cost=0.001),
)
async def dear_with_others(w: World) -> None:
    """A run that costs too much with the one that it calls, which has no objective of its own."""
    agent = inner(w)
    await w.run(w.agent(tools=[asking(w, lambda: w.run(agent))]))


@OBJECTIVES.case(
    [BREAKS],
    judged('failed', run='error ModelHTTPError_500', requests=('error ModelHTTPError_500',)),
    raises=ModelHTTPError,
    objective=EASY,
)
async def failed(w: World) -> None:
    """A run that fails."""
    await w.run(w.agent())


@OBJECTIVES.case(
    [SILENT],
    judged('failed', 'first_output', run='timeout RunTimedOut', requests=('timeout',)),
    raises=RunTimedOut,
    objective=Objective(first_output=0.1, duration=30),
)
async def timed_out(w: World) -> None:
    """A run whose time is up, and that has shown nothing by then."""
    await w.run(w.agent(), timeout=0.3)


@OBJECTIVES.case(
    [SHORT],
    judged('failed', run='limit UsageLimitExceeded', requests=('cancelled',)),
    raises=UsageLimitExceeded,
    objective=EASY,
)
async def limited(w: World) -> None:
    """A run that reaches a limit."""
    await w.run(w.agent(), usage_limits=UsageLimits(output_tokens_limit=2))


async def stopped(w: World, seconds: float) -> None:
    """Stop a run when the server has got its request, and so many seconds have passed."""
    task = asyncio.create_task(w.run(w.agent()))
    await w.served()
    await asyncio.sleep(seconds)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


STOPPED: dict[str, Any] = {'run': IN_REQUEST.run, 'requests': IN_REQUEST.requests}


@OBJECTIVES.case([SILENT], judged(met=None, **STOPPED), objective=EASY)
async def stopped_in_time(w: World) -> None:
    """A run that is stopped before it has missed anything."""
    await stopped(w, 0.05)


@OBJECTIVES.case([SILENT], judged('first_output', **STOPPED), objective=Objective(first_output=0.1, cost=1))
async def stopped_too_late(w: World) -> None:
    """A run that is stopped because nothing comes."""
    await stopped(w, 0.3)


@OBJECTIVES.case([HANGS], judged('stall', **STOPPED), objective=Objective(first_output=20, stall=0.15))
async def stopped_in_a_silence(w: World) -> None:
    """A run that is stopped because nothing more comes."""
    await stopped(w, 0.6)


@OBJECTIVES.case([ASKS], judged(met=None, run='deferred'), objective=EASY)
async def deferred(w: World) -> None:
    """A run that waits for somebody's decision."""
    await w.run(careful(w))


@OBJECTIVES.case(
    [TEXT, TEXT],
    Expected(
        'success, success',
        requests=('success', 'success'),
        facts={'run.objective_met': (True, None), 'run.objective_missed': ((), ())},
    ),
    objective={'truth': EASY},
)
async def of_one_agent(w: World) -> None:
    """An objective of one agent, and none of another."""
    await w.run(w.agent())
    await w.run(w.agent(name='other'))
