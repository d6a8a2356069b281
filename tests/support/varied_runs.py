"""Runs of every kind that page and report draw: each kind of bar, each outcome, long names, and names in Hebrew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamtap import FailureRecord, LoopRecord, PartRecord, RunRecord, ToolRecord
from streamtap._cli import main
from streamtap._sinks.journal.lines import header_line, record_line
from support.made_records import IDS, full_response, response, run, run_start, tool

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from streamtap import ResponseRecord, Sink

    Record = ResponseRecord | ToolRecord | RunRecord

SECOND = 10**9
LONG = 'support-escalation-for-enterprise-customers-in-the-european-union-north-west-2'
HEBREW = 'סוכן-הזמנות'
HEBREW_TOOL = 'בדוק'


def varied_runs() -> Iterator[list[Record]]:
    """The records of each run, in the order in which a sink gets them."""
    yield from _of_outcomes()
    yield _of_every_bar('long', agent='researcher', seconds=34)
    for number in range(4):
        yield _of_every_bar(f'short {number}', agent=LONG if number else HEBREW, seconds=1)


def give(sinks: Iterable[Sink], records: Iterable[Record]) -> None:
    """Give the records of one run to sinks."""
    for sink in sinks:
        started: set[str] = set()
        for record in records:
            if record.run_id not in started:
                started.add(record.run_id)
                sink.run_started(run_start(record.run_id))
            if isinstance(record, RunRecord):
                sink.run_ended(record)
            elif isinstance(record, ToolRecord):
                sink.tool_ended(record)
            else:
                sink.response_ended(record)


def reported(folder: Path, runs: Iterable[Iterable[Record]], *options: str) -> str:
    """The address of an HTML report of runs, which is written to a folder beside their journal.

    Args:
        folder: The folder.
        runs: The records of each run.
        *options: More options of the command.
    """
    journal, written = folder / 'journal', folder / 'report.html'
    journal.write_bytes(header_line() + b''.join(record_line(record) for records in runs for record in records))
    assert main(['report', '--format', 'html', '-o', str(written), *options, str(journal)]) == 0
    return written.as_uri()


def _of_outcomes() -> Iterator[list[Record]]:
    for outcome, error in (('error', 'ModelHTTPError_503'), ('cancelled', None), ('deferred', None)):
        why = FailureRecord(agent=f'{outcome}-runner', error=error or outcome, place='model', name='p:m', step=1)
        yield [
            response(run_id=outcome, outcome='error' if error else 'success', error_type=error),
            *([_interrupted(outcome)] if outcome == 'cancelled' else []),
            run(
                run_id=outcome,
                outcome=outcome,
                error_type=error,
                agent=f'{outcome}-runner',
                cost_usd=12.5,
                failure=why if error else None,
                **IDS,
            ),
        ]


def _interrupted(run_id: str) -> ToolRecord:
    return tool(run_id=run_id, tool='check_stock', started_ns=_at(2), outcome='interrupted', duration=None)


def _of_every_bar(run_id: str, *, agent: str, seconds: float) -> list[Record]:
    """A run that thinks, calls a tool of each kind and an agent, stalls once and then often, and is not streamed at last.

    It calls a tool again, fills its context, finds a part of its prompt in the cache and misses its objective.
    """
    inner = f'{run_id} inner'
    unit = seconds / 12
    of_run: dict[str, Any] = {'run_id': run_id, 'agent': agent}
    calling: dict[str, Any] = {'model': 'gpt', 'duration': 3 * unit, 'time_to_first_token': unit, 'stalls': 0}
    stalled: dict[str, Any] = {
        'model': 'a-model-with-a-rather-long-name-for-a-table',
        'duration': 2 * unit,
        'parts': (),
    }
    return [
        full_response(**of_run, **calling, parts=_parts(unit), context_window=200_000, context_tokens=171_400),
        response(run_id=inner, agent='billing', started_ns=_at(3 * unit), duration=unit),
        run(run_id=inner, agent='billing', parent_run_id=run_id, started_ns=_at(3 * unit), duration=unit),
        tool(**of_run, tool='ask_billing', started_ns=_at(3 * unit), duration=2 * unit),
        tool(**of_run, tool='ask_billing', started_ns=_at(4 * unit), duration=unit, repeated=True, request_tokens=1234),
        tool(**of_run, tool='web_search', kind='native', started_ns=_at(4 * unit), duration=unit),
        full_response(
            **of_run, **stalled, started_ns=_at(5 * unit), stalls=1, stall_seconds=unit, stall_starts=(unit / 2,)
        ),
        full_response(**of_run, **stalled, started_ns=_at(7 * unit), stalls=2, stall_starts=(unit / 2, unit)),
        response(**of_run, started_ns=_at(9 * unit), duration=2 * unit, streamed=False),
        tool(
            **of_run,
            tool=HEBREW_TOOL,
            started_ns=_at(11 * unit),
            duration=unit,
            outcome='retried',
            retry_cause='model_retry',
        ),
        run(
            **of_run,
            duration=seconds,
            requests=4,
            tool_calls=4,
            input_tokens=1234567,
            output_tokens=4321,
            cost_usd=0.25,
            phases={'wait': 3 * unit, 'tools': 3 * unit, 'other': 6 * unit},
            labels={'tenant': 'acme'},
            loops=LoopRecord(calls=1, seconds=unit, tokens=1234),
            context_used=0.857,
            objective_met=False,
            objective_missed=('first_output', 'duration'),
            question_id='q',
            attempt=2,
            **IDS,
        ),
    ]


def _parts(unit: float) -> tuple[PartRecord, ...]:
    kinds = ('thinking', 'text', 'tool-call')
    return tuple(
        PartRecord(
            index=index,
            kind=kind,
            tool='ask_billing' if kind == 'tool-call' else None,
            tool_call_id=None,
            start=unit * (1 + index * 0.66),
            duration=unit * 0.66,
            chunks=9,
        )
        for index, kind in enumerate(kinds)
    )


def _at(seconds: float) -> int:
    return int(seconds * SECOND)
