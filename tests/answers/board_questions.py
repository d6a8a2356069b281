"""The exact answer to what each tile and each column of a table of the boards asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from answers.exact import Number, counts, means, quantiles, shares, sums
from streamtap._records.failed import FAILED_REQUESTS, FAILED_RUNS, FAILED_TOOLS

if TYPE_CHECKING:
    from answers.exact import Answers
    from answers.world import Records
    from streamtap import ResponseRecord, RunRecord, ToolRecord

Panel = tuple[str, str, int]
"""A board, the title of its panel, and which of its queries."""


def exact_tiles(records: Records, hours: float) -> dict[Panel, Answers]:
    """What is exact, by tile, and by table and column.

    Args:
        records: Everything that happened.
        hours: The range that the boards show.
    """
    asked = [run for run in records.runs if not run.nested]
    known = [run for run in asked if run.outcome != 'incomplete']
    streamed = [each for each in records.responses if each.streamed]
    cost = sums(records.responses, _all, _cost)
    return {
        ('overview', 'Blank screen, p95', 0): quantiles(0.95, asked, _all, _first_output),
        ('overview', 'Runs', 0): _times(counts(asked, _all), 1 / (60 * hours)),
        ('overview', 'Failed runs', 0): shares(known, _all, _failed_run),
        ('overview', 'First token in time', 0): shares(streamed, _all, _in_time),
        ('overview', 'Run time, p95', 0): quantiles(0.95, asked, _all, _duration),
        ('overview', 'Time to first token, p95', 0): quantiles(0.95, records.responses, _all, _first_token),
        ('overview', 'Writing speed, median', 0): quantiles(0.5, records.responses, _all, _speed),
        ('overview', 'Cost per hour', 0): _times(cost, 1 / hours),
        **_agent_table(records),
        ('models', 'Requests', 0): _times(counts(records.responses, _all), 1 / (60 * hours)),
        ('models', 'Failed requests', 0): shares(records.responses, _all, _failed_request),
        ('models', 'Input from the cache', 0): {},
        ('models', 'Uncounted responses', 0): shares(
            records.responses, _all, lambda response: response.unmeasured is not None
        ),
        **_model_table(records),
        ('streaming', 'First token in time', 0): shares(streamed, _all, _in_time),
        ('streaming', 'Time to first token, p95', 0): quantiles(0.95, records.responses, _all, _first_token),
        ('streaming', 'Writing speed, median', 0): quantiles(0.5, records.responses, _all, _speed),
        ('streaming', 'Streams stalled now', 0): {(): Number('count', 0.0)},
        ('tools', 'Tool calls', 0): _times(counts(records.tools, _all), 1 / (60 * hours)),
        ('tools', 'Failed calls', 0): shares(records.tools, _all, _failed_call),
        ('tools', 'Calls sent back', 0): shares(records.tools, _all, lambda tool: tool.outcome == 'retried'),
        ('tools', 'Tool time, p95', 0): quantiles(0.95, records.tools, _all, lambda tool: tool.duration),
        **_tool_table(records),
    }


def _agent_table(records: Records) -> dict[Panel, Answers]:
    runs, responses = records.runs, records.responses
    known = [run for run in runs if run.outcome != 'incomplete']
    asked = [run for run in runs if not run.nested]
    columns = (
        counts(runs, _agent),
        shares(known, _agent, _failed_run),
        quantiles(0.95, asked, _agent, _first_output),
        quantiles(0.5, runs, _agent, _duration),
        quantiles(0.95, runs, _agent, _duration),
        means(runs, _agent, lambda run: run.requests),
        means(runs, _agent, lambda run: run.tool_calls),
        means(runs, _agent, lambda run: run.input_tokens + run.output_tokens),
        means([run for run in runs if run.cost_usd is not None], _agent, lambda run: run.cost_usd),
        sums(responses, lambda response: (response.agent,), _cost),
    )
    return {('overview', 'Which agent is it?', number): column for number, column in enumerate(columns)}


def _model_table(records: Records) -> dict[Panel, Answers]:
    responses = records.responses
    cost, written = sums(responses, _model, _cost), sums(responses, _model, lambda each: each.output_tokens)
    columns: tuple[Answers, ...] = (
        counts(responses, _model),
        shares(responses, _model, _failed_request),
        quantiles(0.95, responses, _model, _first_token),
        quantiles(0.95, responses, _model, lambda response: response.duration),
        quantiles(0.5, responses, _model, _speed),
        sums(responses, _model, lambda response: response.input_tokens),
        {},
        written,
        cost,
        {key: Number('sum', 1000 * _value(cost, key) / _value(written, key)) for key in cost},
    )
    return {('models', 'Which model is it?', number): column for number, column in enumerate(columns)}


def _tool_table(records: Records) -> dict[Panel, Answers]:
    tools = records.tools
    seconds = sums(tools, _tool, lambda tool: tool.duration)
    of_agents = sums(records.runs, _agent, _duration)
    columns: tuple[Answers, ...] = (
        counts(tools, _tool),
        shares(tools, _tool, _failed_call),
        shares(tools, _tool, lambda tool: tool.outcome == 'retried'),
        quantiles(0.5, tools, _tool, lambda tool: tool.duration),
        quantiles(0.95, tools, _tool, lambda tool: tool.duration),
        {key: Number('share', _value(seconds, key) / _value(of_agents, key[:1])) for key in seconds},
        seconds,
    )
    return {('tools', 'Which tool is it?', number): column for number, column in enumerate(columns)}


def _value(answers: Answers, key: tuple[str, ...]) -> float:
    found = answers[key]
    assert isinstance(found, Number)
    return found.value


def _times(answers: Answers, factor: float) -> Answers:
    return {key: Number('sum', _value(answers, key) * factor) for key in answers}


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


def _cost(response: ResponseRecord) -> float | None:
    return response.cost_usd


def _in_time(response: ResponseRecord) -> bool:
    return response.time_to_first_token is not None and response.time_to_first_token <= 2.0


def _failed_run(run: RunRecord) -> bool:
    return run.outcome in FAILED_RUNS


def _failed_request(response: ResponseRecord) -> bool:
    return response.outcome in FAILED_REQUESTS


def _failed_call(tool: ToolRecord) -> bool:
    return tool.outcome in FAILED_TOOLS
