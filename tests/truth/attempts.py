"""Runs that are attempts at one question."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from pydantic_ai.exceptions import ModelHTTPError

from streamtap.testing import Call
from truth.case import Expected, Group
from truth.delegation import ANSWER, INNER, asking, inner
from truth.failures import BREAKS
from truth.replies import SHORT, calling, in_turn_of_each
from truth.tools import good

if TYPE_CHECKING:
    from truth.world import World

ATTEMPTS = Group('Attempts at a question')

FAILED = 'error ModelHTTPError_500'


async def tries(w: World, times: int, **options: Any) -> None:
    """Ask an agent several times."""
    for _ in range(times):
        with contextlib.suppress(ModelHTTPError):
            await w.run(w.agent(**options))
        await asyncio.sleep(0.02)


THREE = Expected(
    f'{FAILED}, {FAILED}, success',
    requests=(FAILED, FAILED, 'success'),
    facts={'run.attempt': (1, 2, 3), 'run.question_id': ('q',) * 3},
)


@ATTEMPTS.case([BREAKS, BREAKS, SHORT], THREE)
async def third_time(w: World) -> None:
    """A question that is answered at the third attempt."""
    with w.seen.tap.question('q'):
        await tries(w, 3)


@ATTEMPTS.case([BREAKS, BREAKS, SHORT], THREE, doors=('capability',))
async def third_time_unstreamed(w: World) -> None:
    """A question that is answered at the third attempt, by runs that nobody streams."""
    with w.seen.tap.question('q'):
        await tries(w, 3, stream=False)


@ATTEMPTS.case([BREAKS, BREAKS, SHORT], THREE)
async def in_two_places(w: World) -> None:
    """A question that is asked again elsewhere, by its id."""
    with w.seen.tap.question('q'):
        await tries(w, 1)
    with w.seen.tap.question('q'):
        await tries(w, 2)


@ATTEMPTS.case(
    [SHORT] * 4,
    Expected(', '.join(['success'] * 4), requests=('success',) * 4, facts={'run.attempt': (1, 1, 2, 2)}),
)
async def at_once(w: World) -> None:
    """Two questions that are asked at once, each twice."""

    async def ask(question: str) -> None:
        with w.seen.tap.question(question):
            await tries(w, 2)

    await asyncio.gather(ask('a'), ask('b'))


@ATTEMPTS.case(
    in_turn_of_each({INNER: (ANSWER,)}, calling(Call('ask', '', id='a')), SHORT),
    Expected(
        requests=('success',) * 3,
        tools=good('ask'),
        nested={'inner': 'success'},
        facts={
            'run.attempt': (1,),
            'nested.attempt': (None,),
            'nested.question_id': (None,),
            'nested.time_to_answer': (None,),
        },
    ),
)
async def with_others(w: World) -> None:
    """A run that is called by another is no attempt."""
    agent = inner(w)
    with w.seen.tap.question('q'):
        await w.run(w.agent(tools=[asking(w, lambda: w.run(agent))]))


@ATTEMPTS.case(
    [SHORT, SHORT],
    Expected(
        'success, success',
        requests=('success', 'success'),
        facts={'run.attempt': (1, None), 'run.question_id': ('q', None)},
    ),
)
async def afterwards(w: World) -> None:
    """A run after the block is no attempt."""
    with w.seen.tap.question('q'):
        await w.run(w.agent())
    await w.run(w.agent())
