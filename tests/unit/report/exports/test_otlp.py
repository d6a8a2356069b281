"""What OpenTelemetry's collector writes of the tap's log events is read as the journal of the same records is."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hostile
from hostile.records import RESPONSES, RUNS, TOOLS
from streamtap import Distribution, McpRecord
from streamtap._cli import main
from streamtap._report.exports.otlp import read_otlp
from streamtap._sinks.journal.lines import record_line
from support.log_events import LogEvents
from support.made_records import IDS, failed_run, full_response, read_run, run, tool

if TYPE_CHECKING:
    from pathlib import Path

    from streamtap._records.as_json import Record

assert hostile  # Its settings: the same few examples in every run.

WHOLE = [full_response(labels={'a.b': 'c'}, stall_starts=(1.0,)), tool(), failed_run(**IDS), read_run(duration=None)]


def exported(*records: Record) -> bytes:
    events = LogEvents()
    events.send(*records)
    return events.exported()


def read(data: bytes) -> tuple[list[Record], list[str]]:
    broken: list[str] = []
    return list(read_otlp('j', io.BytesIO(data), lambda each: broken.append(str(each)))), broken


@given(st.lists(RUNS | RESPONSES | TOOLS, min_size=1, max_size=5))
def test_what_is_sent_is_read(records: list[Record]):
    """Every field of every record, but the conversation's id, and half a trace, as an event has both ids or none."""
    sent = [
        replace(
            each,
            conversation_id=None,
            **({} if each.trace_id and each.span_id else {'trace_id': None, 'span_id': None}),
        )
        for each in records
    ]
    assert read(exported(*records)) == (sent, [])


def test_an_object_of_defaults_is_one():
    """It is not what is not known."""
    records = [full_response(inter_chunk_latencies=Distribution()), tool(kind='mcp', mcp=McpRecord())]
    assert read(exported(*records)) == (records, [])


def test_what_others_sent_is_left_out():
    """Their events, spans and metrics are no broken lines; nor is an empty one."""
    others = json.dumps({'resourceLogs': [{'scopeLogs': [{'logRecords': [{'body': {'stringValue': 'hi'}}]}]}]}).encode()
    data = b'\n'.join([others, b'{"resourceSpans":[]}', b'', exported(run())])
    assert read(data) == ([run()], [])


@pytest.mark.parametrize(
    ('old', 'new', 'why'),
    [
        (b'"success"', b'"splendid"', 'j:2: event 1: outcome: Input should be '),
        (b'"intValue":"0"', b'"intValue":"-1"', 'j:2: event 1: started_ns: Input should be greater than or equal to 0'),
        (
            b'"intValue":"0"',
            b'"intValue":"%s"' % (b'9' * 5000),
            'j:2: event 1: started_ns: Input should be a valid integer',
        ),
        (b'"intValue":"1"', b'"intValue":"2"', 'j:2: event 1: its schema is not 1, which this streamtap reads'),
        (b'"run"', b'"walk"', 'j:2: event 1: unknown type of record'),
        (b'"value":{', b'"value":[{', 'j:2: not JSON'),
        (b'[{"scope', b'[3,{"scope', 'j:2: not a JSON object'),
    ],
)
def test_what_is_broken_is_told(old: bytes, new: bytes, why: str):
    """With its line and its place in it, and without its value; the rest is read."""
    found, broken = read(exported(tool()) + exported(run()).replace(old, new, 1) + exported(run(run_id='last')))
    assert found == [tool(), run(run_id='last')]
    assert [each[: len(why)] for each in broken] == [why]
    assert 'splendid' not in broken[0]


def test_a_report_of_it_is_that_of_the_journal(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """In the same command: by what it begins with, and not by its name."""
    (tmp_path / 'journal').write_bytes(b''.join(map(record_line, WHOLE)))
    (tmp_path / 'export').write_bytes(exported(*WHOLE[:2]) + exported(*WHOLE[2:]))
    told: list[str] = []
    for name in ('journal', 'export'):
        assert main(['report', str(tmp_path / name), '--format', 'json']) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    assert '"agent": "a"' in told[0]
