"""Runs that are cancelled at each of their steps in turn, and streams that are left at each of their events in turn.

Whatever the moment: one whole trace, one record for whatever began, nothing open, and nobody's context changed.
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from prometheus_client import CollectorRegistry

from support.interrupted_runs import (
    ATTACHMENTS,
    TEXT_FIRST,
    TOOL_FIRST,
    WATCH,
    Attempt,
    Leave,
    iterate,
    run,
    run_stream,
    run_stream_events,
)
from support.traced_tap import PARTS, children, contradictions, hex_id, id_of, nested, outside_parent, own

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from support.interrupted_runs import Way
    from support.scripted import Turn

TRUNCATED = 'run_stream() gives its handler no event after the final result'


pytestmark = pytest.mark.usefixtures('nothing_old_is_collected')


@pytest.fixture(params=[False, True], ids=['own', 'native'])
def native(request: pytest.FixtureRequest) -> bool:
    """Without and with pydantic-ai's own instrumentation."""
    return request.param


# What has to be so, however a run ended


def wrong(attempt: Attempt, caplog: pytest.LogCaptureFixture) -> list[str]:
    """What is wrong after an attempt."""
    found, memory = attempt.found, attempt.found.memory
    spans = found.spans()
    ends = Counter(id_of(span) for span in own(spans))
    moments = Counter(name for name, _ in memory.moments)
    records = (*memory.runs, *memory.responses, *memory.tools)
    logged = [record.getMessage() for record in caplog.records if TRUNCATED not in record.getMessage()]
    caplog.clear()
    demands = {
        'each span is ended once': found.counted.started == found.counted.ended == ends,
        'there is one tree': len(children(spans, None)) <= 1 and len(nested(spans)) == len(spans),
        # A tool lets go of a run that it has just called, and that has not begun to run, before that is over.
        'spans lie inside their parents': outside_parent(own(spans), slack_ns=1_000, outliving=NESTED) == [],
        'called runs are over first': 'outer' not in [record.agent for record in memory.runs[:-1]],
        'spans end as the records do': contradictions(spans, memory) == [],
        'no span failed': attempt.leave.how == 'raise' or not any(is_error(span) for span in own(spans)),
        'there is a span for each record': shown(spans) == told(attempt),
        'records point at spans': {record.span_id for record in records} <= {hex_id(span) for span in spans},
        'what began has ended': all(moments[f'{each}_started'] == moments[f'{each}_ended'] for each in MEASURED),
        'each run has one record': len({record.run_id for record in memory.runs}) == len(memory.runs),
        'gauges are 0': {sample.value for sample in attempt.samples(*GAUGES)} <= {0.0},
        'metrics count what the records tell': counted(attempt)
        == (len(memory.runs), len(memory.responses), len(memory.tools)),
        'usage counts what the records tell': summed(attempt) == (len(memory.runs), len(memory.responses)),
        'outcomes are possible': {record.outcome for record in memory.runs} <= possible(attempt),
        'the tap made no mistake': memory.faults == [],
        'nothing is logged': logged == [],
    }
    return attempt.mistakes + [demand for demand, is_met in demands.items() if not is_met]


MEASURED = ('run', 'response', 'tool')

NESTED = ('invoke_agent inner',)

GAUGES = ('_in_progress', '_stalled_streams', '_run_age_seconds')


def counted(attempt: Attempt) -> tuple[float, ...]:
    """How many runs, requests and calls Prometheus counted."""
    return tuple(now - before for now, before in zip(attempt.counted(), attempt.counted_before, strict=True))


def summed(attempt: Attempt) -> tuple[int, int]:
    """How many runs and requests the ledger has."""
    summary = attempt.found.tap.usage.summary()
    return summary.total.runs + summary.total.nested_runs, summary.total.requests


def is_error(span: ReadableSpan) -> bool:
    return span.status.status_code.name == 'ERROR'


def shown(spans: list[ReadableSpan]) -> Counter[str]:
    return Counter(span.name for span in own(spans))


def told(attempt: Attempt) -> Counter[str]:
    """The spans that the tap has to make, by its records."""
    memory = attempt.found.memory
    parts = [part for record in memory.responses for part in record.parts]
    # Of a part whose start or end is unknown there is none, and who watches a whole run does not see pydantic-ai's own spans.
    has_parts = not (attempt.native and attempt.door == WATCH and attempt.way is run_stream_events)
    known = [part for part in parts if part.start is not None and part.duration is not None and has_parts]
    kinds = [part.kind.replace('-', '_') for part in known]
    expected = Counter(kind for kind in kinds if kind in PARTS)
    if not attempt.native:
        expected += Counter(f'invoke_agent {record.agent}' for record in memory.runs)
        expected += Counter(f'chat {record.model}' for record in memory.responses)
        expected += Counter(f'execute_tool {record.tool}' for record in memory.tools)
    return expected


def possible(attempt: Attempt) -> set[str]:
    """How a run may have ended."""
    if attempt.door == WATCH and attempt.way is run_stream_events:
        return {'success', 'cancelled', 'incomplete'}
    return {'success', 'cancelled', 'error' if attempt.leave.how == 'raise' else 'success'}


def agents(door: str) -> list[str]:
    """Whose runs are measured; nobody watches what the tool runs."""
    return ['outer'] if door == WATCH else ['inner', 'outer']


# The tests

STREAMED: dict[str, tuple[Way, Turn]] = {
    'run_stream_events': (run_stream_events, TEXT_FIRST),
    'iter': (iterate, TEXT_FIRST),
    'run_stream, first response': (run_stream, TEXT_FIRST),
    'run_stream, second response': (run_stream, TOOL_FIRST),
}


def cancelled_everywhere(
    door: str, way: Way, first: Turn, caplog: pytest.LogCaptureFixture, *, native: bool
) -> Counter[str]:
    """Cancel a run at each of its steps, until it is over before; how often which outcome was told of the outer."""
    outcomes: Counter[str] = Counter()
    registry = CollectorRegistry()
    for steps in itertools.count():
        attempt = Attempt(door, native, way, first, registry=registry)
        is_over = attempt.cancelled_after(steps)
        assert wrong(attempt, caplog) == [], f'after {steps} steps'
        outcomes.update(run.outcome for run in attempt.found.memory.runs if run.agent == 'outer')
        if is_over:
            assert [run.agent for run in attempt.found.memory.runs] == agents(door)
            break
    return outcomes


@pytest.mark.parametrize('door', ATTACHMENTS)
def test_a_run_may_be_cancelled_at_any_step(door: str, native: bool, caplog: pytest.LogCaptureFixture):  # noqa: FBT001
    """In a response, in a tool, in the run that the tool runs, and between them."""
    outcomes = cancelled_everywhere(door, run, TEXT_FIRST, caplog, native=native)
    assert min(outcomes['cancelled'], outcomes['success']) > 0


@pytest.mark.parametrize(
    ('way', 'door'),
    [
        ('iter', 'capability'),
        ('run_stream_events', 'capability'),
        ('run_stream, second response', 'capability'),
        ('iter', WATCH),
        ('run_stream_events', WATCH),
    ],
)
def test_a_streamed_run_may_be_cancelled_at_any_step(
    way: str,
    door: str,
    native: bool,  # noqa: FBT001
    caplog: pytest.LogCaptureFixture,
):
    """By whoever reads its stream."""
    outcomes = cancelled_everywhere(door, *STREAMED[way], caplog, native=native)
    assert min(outcomes['cancelled'], outcomes['success']) > 0


@pytest.mark.parametrize('how', ['break', 'close', 'raise'])
@pytest.mark.parametrize(
    ('way', 'door'),
    [
        *((way, 'capability') for way in STREAMED),
        *((way, WATCH) for way in STREAMED if not way.startswith('run_stream,')),
        *((way, 'handler') for way in STREAMED if way.startswith('run_stream,')),
    ],
)
def test_a_stream_may_be_left_at_any_event(
    way: str,
    door: str,
    how: str,
    native: bool,  # noqa: FBT001
    caplog: pytest.LogCaptureFixture,
):
    """By a break, by closing it, and by an exception of the reader's."""
    at = 0
    registry = CollectorRegistry()
    while True:
        attempt = Attempt(door, native, *STREAMED[way], Leave(how, at), registry=registry)
        was_left = attempt.left()
        assert wrong(attempt, caplog) == [], f'at event {at}'
        if not was_left:
            break
        at += 1
    assert at > 1
