"""The end of a run: what is still open is reported, then the run is judged over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._records.known import since
from streamtap._records.records import RunRecord
from streamtap._runs.objectives import Judged, Measured, judge, objective_of
from streamtap._upstream import run_context

if TYPE_CHECKING:
    from streamtap._records.records import RequestOutcome, RunOutcome
    from streamtap._runs.run import Run


def end_run(run: Run, outcome: RunOutcome, *, error_type: str | None, now: float, is_end_known: bool) -> None:
    """Report what is still open, then the run; see `Runs.end`."""
    out = run.shared.out
    # A failure in here must not keep the end of the run from being reported.
    with run.guard:
        outcome = _end_open(run, outcome, error_type, now)
    if run.reported_before or (run.gate is not None and not run.gate.ended()):
        return
    error_type = run.shared.redact.if_known('error_type', error_type)
    run.failure = run.failures.of_run(run.identity.agent, outcome, error_type)
    duration = max(0.0, now - run.started) if is_end_known else None
    made = _record(run, outcome, error_type=error_type, duration=duration, now=now)
    out.run_ended(run.trace.ended(made, run.moments.to_unix_ns(max(run.started, now))))


def _end_open(run: Run, outcome: RunOutcome, error_type: str | None, now: float) -> RunOutcome:
    """Report what is still open; returns the run's outcome, corrected by what was left unfinished."""
    if run.open_request is not None:
        as_the_run: RequestOutcome = 'cancelled'
        if outcome in ('incomplete', 'timeout'):
            as_the_run = outcome
        run.request_over(run.open_request, as_the_run, now=now)
    run.settle()
    run.tools.end_all(outcome, error_type, now)
    if run_context.asks_again(run.messages[run.known_messages :]):
        # An output was sent back, but no request followed: something that not every door sees ended the run first.
        run.output_retries += 1
        return 'incomplete' if outcome == 'success' else outcome
    return outcome


def _record(run: Run, outcome: RunOutcome, *, error_type: str | None, duration: float | None, now: float) -> RunRecord:
    identity, spent, reader, attempt = run.identity, run.spent, run.reader, run.attempt
    # A run that goes on in another process began there.
    started = None if run.gate is not None and run.gate.has_replayed else run.started
    first_output = since(started, run.first_output if reader is None else reader.first_item)
    judged = _judged(run, outcome, first_output, duration)
    time_to_answer = None
    if attempt is not None and outcome == 'success' and duration is not None:
        time_to_answer = max(0.0, now - attempt.first_began)
    return RunRecord(
        run_id=identity.run_id,
        conversation_id=identity.conversation_id,
        parent_run_id=identity.parent_run_id,
        parent_tool_call_id=identity.parent_tool_call_id,
        agent=identity.agent,
        root_agent=identity.root_agent,
        door=identity.door,
        labels=identity.labels,
        started_ns=run.moments.to_unix_ns(run.started),
        duration=duration,
        outcome=outcome,
        error_type=error_type,
        requests=spent.requests,
        tool_calls=run.tools.executed,
        output_retries=run.output_retries + run.tools.outputs_sent_back,
        input_tokens=spent.input_tokens,
        output_tokens=spent.output_tokens,
        unmeasured_responses=spent.unmeasured_responses,
        cost_usd=spent.cost_usd,
        time_to_first_output=first_output,
        first_output_seen_by=None if first_output is None else 'model' if reader is None else 'reader',
        time_to_final_result=since(started, run.final_result),
        phases={} if duration is None or run.has_unseen else run.phases.split(duration),
        called=run.called,
        failure=run.failure,
        loops=run.tools.loops,
        context_used=run.context_used,
        context_growth=run.prompts.growth,
        objective_met=judged.met,
        objective_missed=judged.missed,
        question_id=None if attempt is None else attempt.question_id,
        attempt=None if attempt is None else attempt.number,
        time_to_answer=time_to_answer,
        service_version=run.shared.service_version,
        unnamed_agents=identity.unnamed_agents,
        reader=None if reader is None else reader.record(started, run.first_output),
    )


def _judged(run: Run, outcome: RunOutcome, first_output: float | None, duration: float | None) -> Judged:
    objective = objective_of(run.shared.objectives, run.identity.agent)
    if objective is None or run.identity.parent_run_id is not None:
        return Judged()
    used = run.used()
    measured = Measured(
        # Who sees nothing before the end waits until then.
        first_output=duration if first_output is None else first_output,
        stall=run.longest_silence,
        duration=duration,
        cost=used.cost_usd,
        is_cost_whole=not (used.unmeasured_responses or run.has_unpriced),
    )
    return judge(objective, outcome, measured)
