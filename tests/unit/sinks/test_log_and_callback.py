"""Log lines and callbacks of runs."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from streamtap import LogSink, RunRecord, Tap
from support.made_records import IDS, failed_run, run, tool
from support.scripted import agent, nap

if TYPE_CHECKING:
    from streamtap import BaseSink


def logged(sink: BaseSink, caplog: pytest.LogCaptureFixture, *records: Any) -> list[logging.LogRecord]:
    with caplog.at_level(logging.INFO, 'streamtap.records'):
        for record in records:
            tell: Any = sink.run_ended if isinstance(record, RunRecord) else sink.tool_ended
            tell(record)
    return caplog.records


def test_each_run_and_tool_call_is_one_line(caplog: pytest.LogCaptureFixture):
    """Made to be read, at the level of what happened."""
    lines = logged(
        LogSink(),
        caplog,
        tool(),
        tool(outcome='denied', duration=None),
        tool(outcome='error', error_type='ValueError'),
        run(requests=1, input_tokens=20, output_tokens=4),
        failed_run(),
    )
    assert [(line.levelname, line.getMessage()) for line in lines] == [
        ('INFO', 'tool a/t: success in 750 ms'),
        ('INFO', 'tool a/t: denied'),
        ('WARNING', 'tool a/t: error (ValueError) in 750 ms'),
        ('INFO', 'run of a: success in 4.00 s, 1 request, 0 tool calls, 20 tokens in, 4 out'),
        (
            'WARNING',
            'run of a: error (ModelHTTPError_500) in 4.00 s, first output after 1.25 s, 3 requests, 2 tool calls, '
            '0 tokens in, 0 out, $0.50',
        ),
    ]


def test_a_line_has_every_field_but_the_conversations_id(caplog: pytest.LogCaptureFixture):
    """As JSON formatters show them, under names that logging has no use of its own for."""
    (line,) = logged(LogSink(), caplog, failed_run(**IDS, labels={'tier': 'gold'}, conversation_id='c'))
    found = {
        name: value for name, value in vars(line).items() if name not in {*vars(logging.makeLogRecord({})), 'message'}
    }
    assert json.loads(json.dumps(found)) == {
        'event': 'run', 'run_id': 'r', 'parent_run_id': None, 'parent_tool_call_id': None, 'agent': 'a', 'root_agent': 'a',
        'door': 'capability', 'labels': {'tier': 'gold'}, 'started_ns': 0, 'duration': 4.0, 'outcome': 'error',
        'error_type': 'ModelHTTPError_500', 'requests': 3, 'tool_calls': 2, 'output_retries': 1, 'input_tokens': 0,
        'output_tokens': 0, 'unmeasured_responses': 0, 'cost_usd': 0.5, 'time_to_first_output': 1.25,
        'time_to_final_result': 3.5, 'phases': {'wait': 1.0, 'tools': 3.0},
        'called': {
            'runs': 0, 'requests': 0, 'tool_calls': 0, 'input_tokens': 0, 'output_tokens': 0, 'unmeasured_responses': 0,
            'cost_usd': None,
        },
        'failure': None, 'loops': {'calls': 0, 'seconds': 0.0, 'tokens': 0}, 'context_used': None, 'context_growth': None,
            'objective_met': None, 'objective_missed': [], 'question_id': None, 'attempt': None, 'time_to_answer': None,
            'service_version': None, 'unnamed_agents': 0, 'first_output_seen_by': None, 'reader': None, **IDS,
    }  # fmt: skip


def test_a_name_cannot_forge_a_line(caplog: pytest.LogCaptureFixture):
    """What a model invents may have newlines in it, or look like the rest of a line: such a name is quoted."""
    (line,) = logged(LogSink(), caplog, tool(tool='t\nERROR forged %s'))
    assert line.getMessage() == 'tool a/"t\N{REPLACEMENT CHARACTER}ERROR forged %s": success in 750 ms'


def test_who_does_not_listen_pays_nothing(caplog: pytest.LogCaptureFixture):
    """Below the logger's level there is no line."""
    with caplog.at_level(logging.ERROR, 'streamtap.records'):
        LogSink().run_ended(run())
    assert caplog.records == []


def test_on_run_is_called_for_each_run():
    """With its record, whatever else receives it; what it raises harms nobody."""
    told: list[RunRecord] = []

    def tell(record: RunRecord) -> None:
        told.append(record)
        raise RuntimeError('mine')

    with Tap([], on_run=tell) as tap:
        made = agent([nap(0.01, 'n')], ['one'], ['two'], capabilities=[tap.capability()])
        asyncio.run(made.run('hello'))
        asyncio.run(made.run('hello'))
    assert [(record.agent, record.outcome, record.requests, record.tool_calls) for record in told] == [
        ('scripted', 'success', 2, 1),
        ('scripted', 'success', 1, 0),
    ]


def test_on_run_must_be_a_plain_function():
    """Nobody would await it."""

    async def later(record: RunRecord) -> None: ...

    with pytest.raises(TypeError, match='on_run must be a plain function'):
        Tap([], on_run=later)
    with pytest.raises(TypeError, match='on_run must be a function of a RunRecord'):
        Tap([], on_run='later')  # pyright: ignore[reportArgumentType]
