"""What a run adds to the counters, by what really happened in it and by what its door may know of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from soak.ledger import Ledger, series
from soak.model import PROVIDER
from soak.plan import INVENTED
from soak.run_log import CANCELLED, SUCCESS, Called, End

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soak.plan import Reply
    from soak.run_log import RunLog
    from soak.ways import Way

INTERRUPTED = End('interrupted')
INCOMPLETE = End('incomplete')


@dataclass(frozen=True, slots=True)
class Request:
    """A request that a door may know of; `was_billed` says whether it may know the usage, where that is not its end."""

    reply: Reply
    end: End
    streamed: bool = True
    was_billed: bool | None = None


def account(way: Way, run_log: RunLog) -> Ledger:
    """The counters of one run that is over."""
    counted = Ledger()
    if not (run_log.entered if way.door == 'handler' else run_log.was_started):
        # Nobody told the door of a run that was stopped before.
        return counted
    agent = run_log.agent
    end = run_end(way, run_log)
    nested = 'true' if agent != run_log.root else 'false'
    counted[series('pydantic_ai_runs_total', agent=agent, door=way.door, nested=nested, outcome=end.outcome)] += 1
    if end.error is not None:
        counted[series('pydantic_ai_run_errors_total', agent=agent, nested=nested, error_type=end.error)] += 1
    if agent != run_log.root:
        counted[series('runs with a parent', agent=agent, root_agent=run_log.root)] += 1
    for request in requests(way, run_log):
        _request(counted, run_log, request)
    for call in tools(way, run_log):
        _tool(counted, agent, call)
    return counted


def run_end(way: Way, run_log: RunLog) -> End:
    """How the run ended, as far as its door may know."""
    if way.door == 'watch' and run_log.has_result:
        # Whoever is stopped while they hold the result missed nothing.
        return SUCCESS
    return run_log.told or run_log.end or CANCELLED


def requests(way: Way, run_log: RunLog) -> Iterator[Request]:
    """The requests that the door may know of."""
    if way.door == 'capability':
        yield from _of_capability(way, run_log)
    elif way.door == 'handler':
        yield from _of_handler(way, run_log)
    else:
        yield from _of_watch(run_log)


def _of_capability(way: Way, run_log: RunLog) -> Iterator[Request]:
    for place, asked in enumerate(run_log.asked):
        # An answer is lost on a run that is stopped before it gets it; its history may have it all the same.
        is_lost = asked.end == SUCCESS and run_log.answers <= place
        was_billed = asked.end == SUCCESS and run_log.committed() > place
        yield Request(asked.reply, CANCELLED if is_lost else asked.end, asked.streamed, was_billed)
    for place in range(len(run_log.asked), run_log.prepared):
        yield Request(run_log.plan.replies[place], CANCELLED, way.name != 'capability')


def _of_handler(way: Way, run_log: RunLog) -> Iterator[Request]:
    for place, entered in enumerate(call for call in run_log.entered if call.for_response):
        reply = run_log.plan.replies[place]
        if entered.end is not None:
            # Who is stopped when the model has answered may read the usage, whether they got the last event or not.
            has_usage = place < len(run_log.asked) and run_log.asked[place].end == SUCCESS
            yield Request(reply, entered.end, was_billed=has_usage)
        elif way.name == 'handler of run_stream' and reply.chunks:
            # run_stream() shows its handler nothing after the first chunk of the final text; only its messages do.
            is_written = run_log.asked[place].end == SUCCESS and run_log.committed() > place
            yield Request(reply, INCOMPLETE, was_billed=is_written)
        else:
            yield Request(reply, SUCCESS)


def _of_watch(run_log: RunLog) -> Iterator[Request]:
    for place, asked in enumerate(run_log.asked):
        is_lost = asked.end == SUCCESS and run_log.answers <= place
        # The run's own node has the usage of an answer, also of one that the run is stopped before it gets it.
        yield Request(asked.reply, CANCELLED if is_lost else asked.end, was_billed=asked.end == SUCCESS)
    for place in range(len(run_log.asked), run_log.prepared):
        yield Request(run_log.plan.replies[place], CANCELLED)


def tools(way: Way, run_log: RunLog) -> Iterator[Called]:
    """The tool calls that the door may know of."""
    if way.door == 'capability':
        yield from run_log.ran.values()
    for call_id, tool in _announced(way, run_log).items():
        ran = run_log.ran.get(call_id)
        if tool.startswith(INVENTED):
            yield Called('_unknown', End('retried'), 'unknown_tool')
        elif way.door == 'capability':
            continue
        elif ran is not None and ran.end.outcome != 'error' and (call_id in run_log.results or not way.shows_events):
            yield ran
        else:
            # Whoever was stopped before they got the run's error cannot say that it was the tool's.
            is_told = way.door == 'handler' or (ran is not None and run_log.end == ran.end)
            alone = ran is not None and ran.end.outcome == 'error' and _pending(way, run_log) == 1
            yield ran if ran is not None and alone and is_told else Called(tool, INTERRUPTED)


def _announced(way: Way, run_log: RunLog) -> dict[str, str]:
    if way.shows_events:
        return run_log.announced
    return {
        run_log.call_id(asked, place): tool
        for asked in run_log.asked
        if asked.end == SUCCESS
        for place, tool in enumerate(asked.reply.calls)
    }


def _pending(way: Way, run_log: RunLog) -> int:
    """How many calls of the round that broke were without a result."""
    return sum(tool in ('breaks', 'endless') for tool in _announced(way, run_log).values())


def _request(counted: Ledger, run_log: RunLog, request: Request) -> None:
    end, reply = request.end, request.reply
    who = {'agent': run_log.agent, 'provider': PROVIDER, 'model': run_log.plan.model}
    flag = 'true' if request.streamed else 'false'
    counted[series('pydantic_ai_requests_total', **who, streamed=flag, outcome=end.outcome)] += 1
    if end.error is not None:
        counted[series('pydantic_ai_request_errors_total', **who, error_type=end.error)] += 1
    was_billed = end == SUCCESS if request.was_billed is None else request.was_billed
    if was_billed and reply.usage is not None:
        counted[series('pydantic_ai_input_tokens_total', **who)] += reply.usage[0]
        counted[series('pydantic_ai_output_tokens_total', **who)] += reply.usage[1]
    elif end == SUCCESS or (end == INCOMPLETE and was_billed):
        counted[series('pydantic_ai_unmeasured_responses_total', **who, reason='not_reported')] += 1


def _tool(counted: Ledger, agent: str, call: Called) -> None:
    end = call.end
    counted[
        series('pydantic_ai_tool_calls_total', agent=agent, tool=call.tool, kind='function', outcome=end.outcome)
    ] += 1
    if end.error is not None:
        counted[series('pydantic_ai_tool_errors_total', agent=agent, tool=call.tool, error_type=end.error)] += 1
    if call.cause is not None:
        counted[series('pydantic_ai_tool_retries_total', agent=agent, tool=call.tool, cause=call.cause)] += 1
