"""The exact answer to what the boards and the documentation ask about what agents do wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from answers.exact import FEWEST, Number, quantiles, shares, sums

if TYPE_CHECKING:
    from collections.abc import Sequence

    from answers.exact import Answers
    from answers.world import Records
    from streamtap import ResponseRecord, RunRecord, ToolRecord

HELPED = ('prefix_changed', 'unknown')
"""Why tokens are bought again that need not be."""

COMPARED = ('function', 'mcp')
"""The kinds of tools whose calls are compared with each other."""


def exact_health(records: Records) -> dict[tuple[str, str, int], Answers]:
    """What is exact, by tile, and by table and column.

    Args:
        records: Everything that happened.
    """
    judged, first = _with_objective(records), _first_attempts(records)
    calls = [tool for tool in records.tools if tool.kind in COMPARED]
    tiles: dict[str, Answers] = {
        'Goodput': shares(judged, _all, _met),
        'First-try success': shares(first, _all, _answered),
        'Time to answer, p95': quantiles(0.95, records.runs, _all, _time_to_answer),
        'Most calls in a loop': _most(shares(calls, _tool, _repeated)),
        'Fullest context': _fullest(records.responses),
        'Most bought again': _most(_bought_again(records.responses)),
    }
    agents: tuple[Answers, ...] = (
        shares(judged, _agent, _met),
        shares(first, _agent, _answered),
        shares(calls, _agent, _repeated),
        quantiles(0.95, records.responses, _agent, _used),
        _per(sums(records.responses, _agent, _helped), sums(records.responses, _agent, lambda each: each.input_tokens)),
        sums(records.responses, _agent, lambda each: each.cache_lost_usd),
    )
    overview = ('Goodput', 'Most calls in a loop', 'Fullest context', 'Most bought again')
    return {
        **{('overview', title, 0): tiles[title] for title in overview},
        **{('health', title, 0): answers for title, answers in tiles.items()},
        **_columns('Which agent is it?', agents),
        **_columns('Which tool is called in a loop?', _loops(calls)),
        **_columns('Whose context fills up?', _contexts(records.responses)),
        **_columns('Who buys tokens again?', _caches(records.responses)),
        **_deploys(),
    }


def exact_health_answers(records: Records) -> dict[str, Answers]:
    """The same for the documentation's questions.

    Args:
        records: Everything that happened.
    """
    repeated = [tool for tool in records.tools if tool.repeated]
    filled = [each for each in records.responses if each.tool_results_of]
    return {
        'What share of the runs met the objective of their agent': shares(_with_objective(records), _agent, _met),
        'Which tool is called in a loop, and how often': sums(repeated, _tool, lambda _: 1),
        'How many seconds did these calls take': sums(repeated, _tool, lambda tool: tool.duration),
        'How many tokens': sums(repeated, _tool, lambda tool: tool.request_tokens),
        'How full are contexts, as a share of the window of the model, at the 95th percentile': quantiles(
            0.95, records.responses, lambda each: (each.agent, each.model), _used
        ),
        "Which tool's results fill them, in tokens": sums(
            filled, lambda each: (each.agent, each.tool_results_of or ''), lambda each: each.tool_result_tokens
        ),
        'How many tokens were bought again although a cache had them, and why': sums(
            records.responses,
            lambda each: (each.model, each.cache_miss_reason or ''),
            lambda each: each.cache_missed_tokens,
        ),
        'What did caches save, in US dollars': sums(
            records.responses, lambda each: (each.model,), lambda each: each.cache_saved_usd
        ),
        'What did missing them cost, in US dollars': sums(
            records.responses, lambda each: (each.model,), lambda each: each.cache_lost_usd
        ),
        'What share of the questions was answered at the first attempt': shares(
            _first_attempts(records), _agent, _answered
        ),
        'How long does an answer take, with all its attempts, at the 95th percentile': quantiles(
            0.95, records.runs, _agent, _time_to_answer
        ),
    }


def _columns(title: str, columns: tuple[Answers, ...]) -> dict[tuple[str, str, int], Answers]:
    return {('health', title, number): column for number, column in enumerate(columns)}


def _loops(calls: Sequence[ToolRecord]) -> tuple[Answers, ...]:
    repeated = [tool for tool in calls if tool.repeated]
    share = {key: answer for key, answer in shares(calls, _tool, _repeated).items() if _value(answer)}
    return (
        sums(repeated, _tool, lambda _: 1),
        share,
        sums(repeated, _tool, lambda tool: tool.duration),
        sums(repeated, _tool, lambda tool: tool.request_tokens),
    )


def _contexts(responses: Sequence[ResponseRecord]) -> tuple[Answers, ...]:
    known = [each for each in responses if each.context_used is not None]
    return (
        sums(known, _context, lambda _: 1),
        quantiles(0.5, known, _context, _used),
        quantiles(0.95, known, _context, _used),
        quantiles(0.98, known, _context, _used),
        quantiles(0.95, responses, _context, lambda each: each.input_tokens),
    )


def _caches(responses: Sequence[ResponseRecord]) -> tuple[Answers, ...]:
    tokens = sums(responses, _context, lambda each: each.input_tokens)
    helped = {key: answer for key, answer in _bought_again(responses).items() if _value(answer)}
    return (
        tokens,
        _per(sums(responses, _context, lambda each: each.cache_read_tokens), tokens),
        sums(responses, _context, lambda each: each.cache_missed_tokens),
        helped,
        sums(responses, _context, lambda each: each.cache_saved_usd),
        sums(responses, _context, lambda each: each.cache_lost_usd),
    )


def _deploys() -> dict[tuple[str, str, int], Answers]:
    """Nothing: no team says its version."""
    compared = {
        'overview': ('Blank screen, p95,', 'Failed runs', 'Cost per run'),
        'health': ('Goodput', 'First-try success', 'Calls in a loop'),
    }
    asked = [(board, 'Last deploy', 0) for board in compared]
    asked += [
        (board, f'{title} since the deploy', number)
        for board, titles in compared.items()
        for title in titles
        for number in range(2)
    ]
    return {panel: {} for panel in asked}


def _bought_again(responses: Sequence[ResponseRecord]) -> Answers:
    return _per(sums(responses, _context, _helped), sums(responses, _context, lambda each: each.input_tokens))


def _per(part: Answers, whole: Answers) -> Answers:
    return {key: Number('share', (_value(part[key]) if key in part else 0) / _value(whole[key])) for key in whole}


def _most(found: Answers) -> Answers:
    return {(): Number('share', max(map(_value, found.values())))} if found else {}


def _fullest(responses: Sequence[ResponseRecord]) -> Answers:
    found = quantiles(0.98, responses, _context, _used, fewest=1)
    fullest = max(found.values(), key=lambda each: each.between, default=None)
    return {} if fullest is None or len(fullest.values) < FEWEST else {(): fullest}


def _value(answer: object) -> float:
    assert isinstance(answer, Number)
    return answer.value


def _with_objective(records: Records) -> list[RunRecord]:
    return [run for run in records.runs if run.objective_met is not None]


def _first_attempts(records: Records) -> list[RunRecord]:
    return [run for run in records.runs if run.attempt == 1]


def _met(run: RunRecord) -> bool:
    return run.objective_met is True


def _answered(run: RunRecord) -> bool:
    return run.outcome == 'success'


def _time_to_answer(run: RunRecord) -> float | None:
    return run.time_to_answer


def _repeated(tool: ToolRecord) -> bool:
    return tool.repeated


def _used(response: ResponseRecord) -> float | None:
    return response.context_used


def _helped(response: ResponseRecord) -> int:
    return response.cache_missed_tokens or 0 if response.cache_miss_reason in HELPED else 0


def _all(_: object) -> tuple[str, ...]:
    return ()


def _agent(record: RunRecord | ResponseRecord | ToolRecord) -> tuple[str, ...]:
    return (record.agent,)


def _tool(tool: ToolRecord) -> tuple[str, ...]:
    return tool.agent, tool.tool


def _context(response: ResponseRecord) -> tuple[str, ...]:
    return response.agent, response.provider, response.model
