"""The figures of health in records beside what happened: what a case says of them, and what has to agree in every case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from truth.row import equal, near

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamtap import ResponseRecord, RunRecord, ToolRecord
    from truth.row import Row
    from truth.world import Happened, Lasted

EXACT = 1e-12
"""US dollars by which sums of floating-point numbers may differ."""


def health(
    row: Row,
    runs: Sequence[RunRecord],
    responses: Sequence[ResponseRecord],
    tools: Sequence[ToolRecord],
    happened: Happened,
) -> None:
    """Compare what the case says of fields, what runs say of their parts, and how long an answer took.

    Args:
        row: The case at a door.
        runs: All runs.
        responses: All requests, in the order in which they began.
        tools: All tool calls.
        happened: What the outside saw.
    """
    outer = sorted((run for run in runs if not run.nested), key=lambda run: run.started_ns)
    in_order = sorted(tools, key=lambda tool: (tool.started_ns, tool.tool_call_id))
    records = {'run': outer, 'request': responses, 'tool': in_order, 'nested': [run for run in runs if run.nested]}
    for name, expected in row.expected.facts.items():
        kind, _, field = name.partition('.')
        seen = tuple(getattr(record, field) for record in records[kind])
        if len(seen) != len(expected) or not all(map(_agree, seen, expected)):
            row.faults.append(f'{name}: {seen!r} instead of {expected!r}')
    for run in runs:
        _of_its_parts(row, run, responses, tools)
    _answers(row, outer, happened)


def _agree(seen: object, expected: object) -> bool:
    if isinstance(seen, float) and isinstance(expected, float):
        return abs(seen - expected) <= EXACT
    return seen == expected


def _of_its_parts(row: Row, run: RunRecord, responses: Sequence[ResponseRecord], tools: Sequence[ToolRecord]) -> None:
    """What a run says of its loops and its context is what its calls and its requests say."""
    repeated = [tool for tool in tools if tool.run_id == run.run_id and tool.repeated]
    equal(row, f'repeated calls of {run.agent}', run.loops.calls, len(repeated))
    equal(row, f'their tokens in {run.agent}', run.loops.tokens, sum(tool.request_tokens or 0 for tool in repeated))
    near(row, f'their seconds in {run.agent}', run.loops.seconds, sum(tool.duration or 0 for tool in repeated), 1e-9)
    shares = [each.context_used for each in responses if each.run_id == run.run_id and each.context_used is not None]
    equal(row, f'the context of {run.agent}', run.context_used, max(shares, default=None))


def _answers(row: Row, outer: Sequence[RunRecord], happened: Happened) -> None:
    """From the beginning of the first run at a question to the end of the one that answered, as its caller saw them."""
    if len(outer) != len(happened.runs):
        return
    lasted = sorted(happened.runs, key=lambda each: each.started)
    asked: dict[str, list[tuple[RunRecord, Lasted]]] = {}
    for run, each in zip(outer, lasted, strict=True):
        if run.question_id is not None:
            asked.setdefault(run.question_id, []).append((run, each))
    for question, attempts in asked.items():
        began = min(each.started for _, each in attempts)
        for run, each in attempts:
            took = each.ended - began if run.outcome == 'success' else None
            near(row, f'time to answer, attempt {run.attempt}', run.time_to_answer, took, row.bounds.phase)
        numbers = sorted(run.attempt or 0 for run, _ in attempts)
        equal(row, f'attempts at {question}', numbers, list(range(1, len(attempts) + 1)))
