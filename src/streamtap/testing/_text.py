"""The contents of a memory sink as text, for the report of a failed test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._display.text import dollars, seconds
from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
from streamtap._records.starts import RunStart

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streamtap._records.faults import Fault


def report(moments: Iterable[tuple[str, object]], faults: Sequence[Fault]) -> str:
    """The runs in the order of their start, each followed by its requests and tool calls in the order of their end.

    Args:
        moments: The moments of a memory sink.
        faults: What the tap itself failed at or dropped.
    """
    heads: dict[str, str] = {}
    details: dict[str, list[str]] = {}
    for _, fact in moments:
        if isinstance(fact, RunStart):
            heads.setdefault(fact.run_id, f'run {fact.agent}: still open')
        elif isinstance(fact, RunRecord):
            heads[fact.run_id] = _run(fact)
        elif isinstance(fact, ResponseRecord):
            details.setdefault(fact.run_id, []).append(f'  request {fact.step}, {_response(fact)}')
        elif isinstance(fact, ToolRecord):
            details.setdefault(fact.run_id, []).append(f'  tool {fact.tool}: {_ending(fact)} after {_time(fact)}')
    lines = [line for run_id, head in heads.items() for line in (head, *details.get(run_id, ()))]
    lines += [_fault(fault) for fault in faults]
    return '\n'.join(lines or ['no run used this tap: pass it to the agent, or to the run'])


def _fault(fault: Fault) -> str:
    if fault.kind == 'error':
        return f'the tap failed in {fault.subject}'
    return f'the tap dropped {fault.count} {fault.subject}'


def _run(run: RunRecord) -> str:
    by = ' (its reader)' if run.first_output_seen_by == 'reader' else ''
    return (
        f'run {run.agent}: {_ending(run)} after {_time(run)}, first output {seconds(run.time_to_first_output)}{by}, '
        f'{_spent(run)}'
    )


def _response(response: ResponseRecord) -> str:
    return (
        f'{response.provider}:{response.model}: {_ending(response)} after {_time(response)}, '
        f'first token {seconds(response.time_to_first_token)}, {_spent(response)}'
    )


def _ending(record: RunRecord | ResponseRecord | ToolRecord) -> str:
    return record.outcome if record.error_type is None else f'{record.outcome} ({record.error_type})'


def _time(record: RunRecord | ResponseRecord | ToolRecord) -> str:
    return seconds(record.duration)


def _spent(record: RunRecord | ResponseRecord) -> str:
    counts = (record.input_tokens, record.output_tokens) if record.usage_reported else (None, None)
    tokens = ('-' if count is None else count for count in counts)
    return '{} tokens in, {} out, cost {}'.format(*tokens, dollars(record.cost_usd))
