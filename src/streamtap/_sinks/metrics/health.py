"""Counts what agents do wrong: loops, full contexts, missed caches, missed objectives, later attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
    from streamtap._sinks.metrics.instruments import Instruments


def count_run(metrics: Instruments[Any, Any], record: RunRecord, user: tuple[str, ...], origin: object) -> None:
    """Count whether a run met its objective, and which attempt at a question it was."""
    if record.objective_met is not None:
        met = 'true' if record.objective_met else 'false'
        metrics.add('pydantic_ai_run_objectives_total', (record.agent, met, *user), 1)
    if record.attempt is not None:
        attempt = 'first' if record.attempt == 1 else 'later'
        metrics.add('pydantic_ai_question_attempts_total', (record.agent, attempt, record.outcome, *user), 1)
    if record.time_to_answer is not None:
        metrics.observe('pydantic_ai_time_to_answer_seconds', (record.agent, *user), record.time_to_answer, origin)


def count_response(
    metrics: Instruments[Any, Any], record: ResponseRecord, user: tuple[str, ...], origin: object
) -> None:
    """Count how full the context was, what filled it, and what was bought again."""
    apm = (record.agent, record.provider, record.model, *user)
    if record.context_used is not None:
        metrics.observe('pydantic_ai_context_window_used_ratio', apm, record.context_used, origin)
    if record.tool_result_tokens and record.tool_results_of is not None:
        key = (record.agent, record.tool_results_of, *user)
        metrics.add('pydantic_ai_tool_result_tokens_total', key, record.tool_result_tokens)
    if record.cache_missed_tokens:
        key = (record.agent, record.provider, record.model, record.cache_miss_reason or 'unknown', *user)
        metrics.add('pydantic_ai_cache_missed_tokens_total', key, record.cache_missed_tokens)
    if record.cache_saved_usd:
        metrics.add('pydantic_ai_cache_saved_usd_total', apm, record.cache_saved_usd)
    if record.cache_lost_usd:
        metrics.add('pydantic_ai_cache_lost_usd_total', apm, record.cache_lost_usd)


def count_tool(metrics: Instruments[Any, Any], record: ToolRecord, user: tuple[str, ...], origin: object) -> None:
    """Count a call that repeated others."""
    if not record.repeated:
        return
    tool = (record.agent, record.tool, *user)
    metrics.add('pydantic_ai_repeated_tool_calls_total', tool, 1, origin)
    metrics.add('pydantic_ai_repeated_tool_seconds_total', tool, record.duration or 0.0)
    metrics.add('pydantic_ai_repeated_tool_tokens_total', tool, record.request_tokens or 0)
