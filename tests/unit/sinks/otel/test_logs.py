"""Records as log events of OpenTelemetry: each whole, in its trace, and never with content."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.trace import TracerProvider

from streamtap import OTelLogSink, PartRecord, Tap
from support.log_events import LogEvents
from support.made_records import IDS, failed_run, full_response, run, tool
from support.scripted import agent, nap

if TYPE_CHECKING:
    from streamtap._records.as_json import Record


@pytest.fixture
def events() -> LogEvents:
    return LogEvents()


def sent(events: LogEvents, *records: Record) -> list[dict[str, Any]]:
    events.send(*records)
    return events.seen()


def test_a_run_is_one_event(events: LogEvents):
    """With what it has besides defaults, in its own trace, when it ended."""
    record = failed_run(**IDS, conversation_id='c', labels={'tier': 'gold'}, started_ns=10**9)
    assert sent(events, record) == [
        {
            'event_name': 'streamtap.run',
            'body': 'run of a: error',
            'severity': ('ERROR', 17),
            'timestamp': 5 * 10**9,
            'trace_id': IDS['trace_id'],
            'span_id': IDS['span_id'],
            'attributes': {
                'streamtap.record': 'run',
                'streamtap.schema': 1,
                'streamtap.run_id': 'r',
                'streamtap.agent': 'a',
                'streamtap.root_agent': 'a',
                'streamtap.door': 'capability',
                'streamtap.labels.tier': 'gold',
                'streamtap.started_ns': 10**9,
                'streamtap.duration': 4.0,
                'streamtap.outcome': 'error',
                'streamtap.error_type': 'ModelHTTPError_500',
                'streamtap.requests': 3,
                'streamtap.tool_calls': 2,
                'streamtap.output_retries': 1,
                'streamtap.cost_usd': 0.5,
                'streamtap.time_to_first_output': 1.25,
                'streamtap.time_to_final_result': 3.5,
                'streamtap.phases.wait': 1.0,
                'streamtap.phases.tools': 3.0,
            },
        }
    ]


def test_arrays_are_arrays_of_plain_values_or_json(events: LogEvents):
    """As most stores hold nothing else; what is not known is left out."""
    part = PartRecord(index=0, kind='text', tool=None, tool_call_id=None, start=0.5, duration=None, chunks=4)
    response = full_response(parts=(part,), stall_starts=(1.0, 2.5))
    missed = run(objective_met=False, objective_missed=('failed', 'cost'), duration=None)
    first, second, third = sent(events, response, missed, tool())
    assert (first['event_name'], first['body'], first['severity']) == (
        'streamtap.response', 'request to "p:m": success', ('INFO', 9),
    )  # fmt: skip
    arrays = {
        name: value for name, value in first['attributes'].items() if name.endswith(('s.buckets', 'parts', 'starts'))
    }
    assert arrays == {
        'streamtap.inter_chunk_latencies.buckets': '[[215, 2], [274, 1]]',
        'streamtap.parts': '[{"index": 0, "kind": "text", "tool": null, "tool_call_id": null, "start": 0.5, '
        '"duration": null, "chunks": 4}]',
        'streamtap.stall_starts': (1.0, 2.5),
    }
    assert second['attributes']['streamtap.objective_missed'] == ('failed', 'cost')
    assert 'streamtap.duration' not in second['attributes']
    assert (third['event_name'], third['body'], third['trace_id']) == ('streamtap.tool', 'tool a/t: success', None)


def test_an_event_has_no_trace_but_its_own(events: LogEvents):
    """Whatever span is open where it is sent."""
    with TracerProvider(shutdown_on_exit=False).get_tracer('t').start_as_current_span('of others') as span:
        assert trace.get_current_span() is span
        (event,) = sent(events, run())
    assert (event['trace_id'], event['span_id']) == (None, None)


def test_a_tap_sends_all_that_happens(events: LogEvents):
    """And nothing of what was said."""
    with Tap([events.sink]) as tap:
        asyncio.run(agent([nap(0.01, 'n')], ['done'], capabilities=[tap.capability()]).run('a secret prompt'))
    names = [event['event_name'] for event in events.seen()]
    assert names == ['streamtap.response', 'streamtap.tool', 'streamtap.response', 'streamtap.run']
    assert 'secret' not in repr(events.seen())


def test_only_a_provider_is_taken():
    """Also where it is set later, for all."""
    with pytest.raises(TypeError, match='must be an OpenTelemetry LoggerProvider'):
        OTelLogSink('provider')  # pyright: ignore[reportArgumentType]
    OTelLogSink()
    OTelLogSink(LoggerProvider(shutdown_on_exit=False))


def test_an_sdk_that_takes_no_events_is_refused(monkeypatch: pytest.MonkeyPatch):
    """With the version that is needed."""
    monkeypatch.setattr('streamtap._sinks.otel.logs.version', '1.36.0'.format)
    with pytest.raises(ImportError, match=r'needs opentelemetry-sdk 1\.37 or newer; 1\.36\.0 is installed'):
        OTelLogSink()
