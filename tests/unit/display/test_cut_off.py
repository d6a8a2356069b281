"""Where a run was when somebody stopped it, or when its time was up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from streamtap import PartRecord
from streamtap._display.cut_off import where_cut_off
from streamtap._records.run_tree import RunTree
from streamtap.testing import capture
from support.doors import HANDLER_AND_CAPABILITY
from support.made_records import response, run
from support.scripted import Silence, agent

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

WRITING, STALLED = ' while p:m was writing', ' while p:m was stalled'


def part(start: float | None, duration: float | None, chunks: int) -> PartRecord:
    return PartRecord(index=0, kind='text', tool=None, tool_call_id=None, start=start, duration=duration, chunks=chunks)


PARTS = (part(0.5, 0.5, 2), part(1.0, 0.0, 0), part(1.0, 2.0, 7))


@pytest.mark.parametrize(
    ('fields', 'words'),
    [
        ({'stalls': 1, 'stall_starts': (3.0,), 'parts': PARTS}, STALLED),
        ({'stalls': 2, 'stall_starts': (1.1, 3.5), 'parts': PARTS}, STALLED),
        ({'stalls': 0, 'parts': PARTS}, WRITING),
        ({'stalls': 1, 'stall_starts': (2.0,), 'parts': PARTS}, WRITING),
        ({'stalls': 17, 'stall_starts': (3.0,) * 16, 'parts': PARTS}, WRITING),
        ({'stalls': 1, 'stall_starts': (3.0,), 'parts': PARTS[:2]}, WRITING),
        ({'stalls': 1, 'stall_starts': (3.0,), 'parts': (part(None, 2.0, 9),)}, WRITING),
        ({'stalls': 1, 'stall_starts': (3.0,), 'parts': (part(1.0, None, 9),)}, WRITING),
    ],
    ids=[
        'after its last chunk',
        'twice, at last after its last chunk',
        'no stall',
        'before its last chunk',
        'a stall that is not kept',
        'a part that is not kept',
        'a start that is not known',
        'an end that was not seen',
    ],
)
def test_a_model_that_had_fallen_silent_was_stalled(fields: dict[str, Any], words: str):
    """If its last stall began after its last chunk; where that is not known it was writing."""
    cut = response(outcome='cancelled', chunks=9, **fields)
    assert where_cut_off(RunTree(run(outcome='cancelled'), [cut]), str) == words


@pytest.mark.parametrize('door', HANDLER_AND_CAPABILITY)
@pytest.mark.parametrize(('stall_after', 'words'), [(0.05, 'stalled'), (30.0, 'writing')])
def test_a_silence_is_a_stall_from_the_taps_own_threshold_on(door: str, stall_after: float, words: str):
    """The verdict and the metrics count the same stalls."""
    with capture(stall_after=stall_after) as seen:
        made = agent(['so ', 'far', Silence()], capabilities=[seen.tap.capability()] if door == 'capability' else [])

        async def read(_: object, events: AsyncIterable[object]) -> None:
            async for _ in events:
                pass

        async def stop() -> None:
            handler: Any = read if door == 'capability' else seen.tap
            task = asyncio.create_task(made.run('hello', event_stream_handler=handler))
            await asyncio.wait([task], timeout=0.4)
            task.cancel()
            await asyncio.wait([task])

        asyncio.run(stop())
    (record,) = seen.responses()
    found = where_cut_off(RunTree(seen.runs()[0], [record]), str)
    assert (record.outcome, found) == ('cancelled', f' while {record.provider}:{record.model} was {words}')
