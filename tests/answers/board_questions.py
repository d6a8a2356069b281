"""The exact answer to what each tile and each column of a table of the boards asks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from answers.exact import FEWEST, Number, counts, means, quantiles, shares, sums
from answers.health_questions import exact_health
from streamtap._records.failed import FAILED_REQUESTS, FAILED_RUNS, FAILED_TOOLS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from answers.exact import Answers
    from answers.world import Records
    from streamtap import ResponseRecord, RunRecord, ToolRecord

Panel = tuple[str, str, int]
"""A board, the title of its panel, and which of its queries."""


def exact_tiles(records: Records, hours: float, objective: float) -> dict[Panel, Answers]:
    """What is exact, by tile, and by table and column.

    Args:
        records: Everything that happened.
        hours: The range that the boards show.
        objective: Within how many seconds a first token is in time.
    """
    asked = [run for run in records.runs if not run.nested]
    known = [run for run in asked if run.outcome != 'incomplete']
    streamed = [each for each in records.responses if each.streamed]
    in_time = shares(streamed, _all, lambda each: (each.time_to_first_token or math.inf) <= objective)
    cost = sums(records.responses, _all, _cost)
    return {
        ('overview', 'Runs', 0): counts(asked, _all),
        ('overview', 'Failed runs', 0): shares(known, _all, _failed_run),
        ('overview', 'Stopped by users', 0): shares(asked, _all, lambda run: run.outcome == 'cancelled'),
        ('overview', 'Blank screen, p95', 0): quantiles(0.95, asked, _all, _first_output),
        ('overview', 'Run time, p95', 0): quantiles(0.95, asked, _all, _duration),
        ('overview', 'First token in time', 0): in_time,
        ('overview', 'First token, p95', 0): quantiles(0.95, records.responses, _all, _first_token),
        ('overview', 'Writing speed, p50', 0): quantiles(0.5, records.responses, _all, _speed),
        ('overview', 'Most stalls per stream', 0): _most(
            _per(sums(streamed, _model, _stalls), counts(streamed, _model))
        ),
        ('overview', 'Slowest tool, p95', 0): _slowest(records.tools),
        ('overview', 'Cost per hour', 0): _times(cost, 1 / hours),
        ('overview', 'Cost per run', 0): means(_priced(asked), _all, lambda run: run.total_cost_usd),
        **_agent_table(records),
        ('models', 'Requests', 0): counts(records.responses, _all),
        ('models', 'Failed requests', 0): shares(records.responses, _all, _failed_request),
        ('models', 'Input from the cache', 0): _shares_of(
            sums(records.responses, _all, _from_cache), sums(records.responses, _all, _input)
        ),
        ('models', 'Uncounted responses', 0): shares(
            records.responses, _all, lambda response: response.unmeasured is not None
        ),
        **_model_table(records),
        ('streaming', 'First token in time', 0): in_time,
        ('streaming', 'Time to first token, p95', 0): quantiles(0.95, records.responses, _all, _first_token),
        ('streaming', 'Writing speed, p50', 0): quantiles(0.5, records.responses, _all, _speed),
        ('streaming', 'Streams stalled now', 0): {(): Number('count', 0.0)},
        ('tools', 'Tool calls', 0): counts(records.tools, _all),
        ('tools', 'Failed calls', 0): shares(records.tools, _all, _failed_call),
        ('tools', 'Calls sent back', 0): shares(records.tools, _all, lambda tool: tool.outcome == 'retried'),
        ('tools', 'Tool time, p95', 0): quantiles(0.95, records.tools, _all, _tool_time),
        **_tool_table(records),
        **exact_health(records),
    }


def _agent_table(records: Records) -> dict[Panel, Answers]:
    runs, responses = records.runs, records.responses
    known = [run for run in runs if run.outcome != 'incomplete']
    asked = [run for run in runs if not run.nested]
    measured = [run for run in asked if run.total_usage_reported and not run.total_unmeasured_responses]
    columns = (
        counts(asked, _agent),
        counts([run for run in runs if run.nested], _agent),
        shares(known, _agent, _failed_run),
        quantiles(0.95, asked, _agent, _first_output),
        quantiles(0.5, runs, _agent, _duration),
        quantiles(0.95, runs, _agent, _duration),
        means(asked, _agent, lambda run: run.total_requests),
        means(asked, _agent, lambda run: run.total_tool_calls),
        means(measured, _agent, lambda run: run.total_input_tokens + run.total_output_tokens),
        means(_priced(asked), _agent, lambda run: run.total_cost_usd),
        sums(responses, lambda response: (response.agent,), _cost),
        sums(responses, lambda response: (response.root_agent,), _cost),
    )
    return {('overview', 'Which agent is it?', number): column for number, column in enumerate(columns)}


def _model_table(records: Records) -> dict[Panel, Answers]:
    responses = records.responses
    cost, written = sums(responses, _model, _cost), sums(responses, _model, lambda each: each.output_tokens)
    tokens = sums(responses, _model, _input)
    columns: tuple[Answers, ...] = (
        counts(responses, _model),
        shares(responses, _model, _failed_request),
        quantiles(0.95, responses, _model, _first_token),
        quantiles(0.95, responses, _model, lambda response: response.duration),
        quantiles(0.5, responses, _model, _speed),
        tokens,
        _shares_of(sums(responses, _model, _from_cache), tokens),
        written,
        cost,
        {key: Number('sum', 1000 * _value(cost, key) / _value(written, key)) for key in cost},
    )
    return {('models', 'Which model is it?', number): column for number, column in enumerate(columns)}


def _tool_table(records: Records) -> dict[Panel, Answers]:
    tools = records.tools
    seconds = sums(tools, _tool, _tool_time)
    of_agents = sums(records.runs, _agent, _duration)
    columns: tuple[Answers, ...] = (
        counts(tools, _tool),
        shares(tools, _tool, _failed_call),
        shares(tools, _tool, lambda tool: tool.outcome == 'retried'),
        quantiles(0.5, tools, _tool, _tool_time),
        quantiles(0.95, tools, _tool, _tool_time),
        {key: Number('share', _value(seconds, key) / _value(of_agents, key[:1])) for key in seconds},
        seconds,
    )
    return {('tools', 'Which tool is it?', number): column for number, column in enumerate(columns)}


def _shares_of(parts: Answers, wholes: Answers) -> Answers:
    """How much of each whole its part is, where there is a part."""
    return {key: Number('share', _value(parts, key) / _value(wholes, key)) for key in parts}


def _input(response: ResponseRecord) -> int | None:
    return response.input_tokens


def _from_cache(response: ResponseRecord) -> int | None:
    return response.cache_read_tokens


def _value(answers: Answers, key: tuple[str, ...]) -> float:
    found = answers[key]
    assert isinstance(found, Number)
    return found.value


def _times(answers: Answers, factor: float) -> Answers:
    return {key: Number('sum', _value(answers, key) * factor) for key in answers}


def _per(part: Answers, whole: Answers) -> Answers:
    return {key: Number('share', _value(part, key) / _value(whole, key)) for key in part}


def _most(shares: Answers) -> Answers:
    """The largest of them."""
    return {(): Number('share', max(_value(shares, key) for key in shares))} if shares else {}


def _slowest(tools: Sequence[ToolRecord]) -> Answers:
    """The p95 of the tool with the largest; nothing if that has too few values."""
    found = quantiles(0.95, tools, _tool, _tool_time, fewest=1)
    slowest = max(found.values(), key=lambda each: each.between, default=None)
    return {} if slowest is None or len(slowest.values) < FEWEST else {(): slowest}


def _priced(runs: Sequence[RunRecord]) -> list[RunRecord]:
    return [run for run in runs if run.total_cost_usd is not None]


def _all(_: object) -> tuple[str, ...]:
    return ()


def _agent(run: RunRecord) -> tuple[str, ...]:
    return (run.agent,)


def _model(response: ResponseRecord) -> tuple[str, ...]:
    return response.provider, response.model


def _tool(tool: ToolRecord) -> tuple[str, ...]:
    return tool.agent, tool.tool


def _first_output(run: RunRecord) -> float | None:
    return run.time_to_first_output


def _duration(run: RunRecord) -> float | None:
    return run.duration


def _first_token(response: ResponseRecord) -> float | None:
    return response.time_to_first_token


def _speed(response: ResponseRecord) -> float | None:
    return response.output_tokens_per_second


def _tool_time(tool: ToolRecord) -> float | None:
    return tool.duration


def _stalls(response: ResponseRecord) -> float:
    return response.stalls


def _cost(response: ResponseRecord) -> float | None:
    return response.cost_usd


def _failed_run(run: RunRecord) -> bool:
    return run.outcome in FAILED_RUNS


def _failed_request(response: ResponseRecord) -> bool:
    return response.outcome in FAILED_REQUESTS


def _failed_call(tool: ToolRecord) -> bool:
    return tool.outcome in FAILED_TOOLS
