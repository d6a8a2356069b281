"""How requests and tool calls become bars: the same on the page and in a report."""

from __future__ import annotations

from typing import Any

import pytest

from streamtap import PartRecord
from streamtap._display.bars import Bar, queue_bars, request_bars, stall_marks, tool_bars
from support.made_records import response, run, tool


def part(kind: str, *, start: float | None = 0.5, chunks: int = 3) -> PartRecord:
    return PartRecord(index=0, kind=kind, tool=None, tool_call_id=None, start=start, duration=0.25, chunks=chunks)


def shown(bars: list[Bar]) -> list[tuple[str, float, float]]:
    return [(bar.kind, bar.start, bar.duration) for bar in bars]


@pytest.mark.parametrize(
    ('kind', 'bar'),
    [
        ('text', 'text'),
        ('file', 'text'),
        ('thinking', 'thinking'),
        ('tool-call', 'tool_call'),
        ('builtin-tool-call', 'tool_call'),
    ],
)
def test_a_part_is_a_bar_of_its_kind(kind: str, bar: str):
    """A call of a provider's tool is the writing of the call; the time that the tool took is a bar of its own."""
    record = response(time_to_first_token=0.5, chunks=3, parts=(part(kind),))
    assert shown(request_bars(record, 10.0)) == [('waiting', 10.0, 0.5), (bar, 10.5, 0.25)]
    assert request_bars(record, 10.0)[1].part == record.parts[0]


@pytest.mark.parametrize('hidden', [part('builtin-tool-return'), part('compaction'), part('text', chunks=0)])
def test_what_nobody_wrote_is_no_bar(hidden: PartRecord):
    """The results of a provider's tools, compaction, and parts without content."""
    assert shown(request_bars(response(time_to_first_token=0.5, chunks=1, parts=(hidden,)), 0.0)) == [
        ('waiting', 0.0, 0.5)
    ]


@pytest.mark.parametrize(
    ('changes', 'bars'),
    [
        ({'streamed': False}, [('model', 1.0, 1.5)]),
        ({'outcome': 'error'}, [('waiting', 1.0, 1.5)]),
        ({'duration': None}, []),
        ({'chunks': 2}, []),
    ],
)
def test_a_response_without_parts(changes: dict[str, Any], bars: list[tuple[str, float, float]]):
    """Unstreamed, failed before its first chunk, and of unknown start, in whole or in part."""
    assert shown(request_bars(response(**changes), 1.0)) == bars


def test_one_stall_is_a_bar_and_several_are_marks():
    """Of several only the total length is known."""
    one = response(time_to_first_token=0.5, chunks=2, stalls=1, stall_starts=(0.6,), stall_seconds=7.0)
    assert (shown(request_bars(one, 1.0))[1:], stall_marks(one, 1.0)) == ([('stall', 1.6, 7.0)], [])
    two = response(time_to_first_token=0.5, chunks=2, stalls=2, stall_starts=(0.6, 9.0), stall_seconds=14.0)
    assert (shown(request_bars(two, 1.0))[1:], stall_marks(two, 1.0)) == ([], [1.6, 10.0])


def test_a_tool_call_is_a_bar_if_its_time_is_known():
    """One of the provider's own has its own kind."""
    assert shown(tool_bars(tool(), 2.0, 0.75)) == [('tool', 2.0, 0.75)]
    assert shown(tool_bars(tool(kind='native'), 2.0, 0.75)) == [('native_tool', 2.0, 0.75)]
    assert tool_bars(tool(), 2.0, None) == []


@pytest.mark.parametrize('kind', ['function', 'native'])
def test_a_tool_call_that_was_interrupted_has_a_kind_of_its_own(kind: str):
    """Whoever ran it."""
    call = tool(kind=kind, outcome='interrupted', duration=None)
    assert shown(tool_bars(call, 2.0, 0.75)) == [('interrupted', 2.0, 0.75)]


def test_a_wait_for_a_slot_is_a_bar_from_the_start_of_the_run():
    """But for the moment that it takes where a slot is free."""
    assert shown(queue_bars(run(phases={'queue': 3.0, 'wait': 1.0}), 2.0)) == [('queue', 2.0, 3.0)]
    assert queue_bars(run(phases={'queue': 0.001, 'wait': 1.0}), 2.0) == []
    assert queue_bars(run(), 2.0) == []
