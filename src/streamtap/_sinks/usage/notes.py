"""What is missing in the usage summary or may be too low, and why: below tables that show what it is of."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from streamtap._display.hints import Measured, shared_name
from streamtap._display.text import dollars, plural
from streamtap._records.failed import FAILED_RUNS
from streamtap._sinks.usage.failure_table import left_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streamtap._display.grid import Grid
    from streamtap._sinks.usage.figures import RunsUsage
    from streamtap._sinks.usage.tables import Groups


_NOTHING = 1e-9
"""The share of a cost that is left of a difference only because sums are not exact."""


class _Note(NamedTuple):
    """A sentence, and the words of tables of which one must be there for it to say something."""

    sentence: str
    words: re.Pattern[str]


_REQUESTS = re.compile('cost|tokens|TTFT|first token|blank|in$|out$')
_TOKENS = re.compile('cost|tokens|in$|out$')
_BLANK_SCREEN = re.compile('blank')
_TOOL_TIMES = re.compile('tools$|tool duration')
_COST = re.compile('(cost|with called)$')
_AGAIN = re.compile('again$|calls again|.*, the same call again')
_SEVERAL = re.compile('.*/_several$')
_FAILURES = re.compile('failures$')
_OF_AGENTS = re.compile('agents$')
_AGENTS = re.compile('agent|verdicts$|steps$')


def notes_of(groups: Groups, grids: Sequence[Grid], called: int) -> list[str]:
    """A sentence for each reason.

    Args:
        groups: The figures.
        grids: The tables that the sentences stand below.
        called: How many of the runs another run called.
    """
    words = set(_words_of(grids))
    return [note.sentence for note in _all_of(groups, called) if any(map(note.words.match, words))]


def _words_of(grids: Sequence[Grid]) -> Iterator[str]:
    """The names of tables, the headings of columns, and what rows are called and end with."""
    for grid in grids:
        yield grid.name
        yield from grid.headings
        for row in grid.rows:
            yield row[0].replace('_', ' ')
            yield from (row[0], row[-1])


def _all_of(groups: Groups, called: int) -> Iterator[_Note]:
    yield from _of_requests(groups)
    total = groups.total
    seen, known = total.runs - called, total.runs_with_output
    # Where nothing streamed another sentence says so.
    if known < seen and (known or total.streamed_requests):
        yield _Note(
            f'The blank screen is known for {known:,} of {plural(seen, "run")}: {_others(known, seen)} did not stream, or ended '
            'before showing anything',
            _BLANK_SCREEN,
        )
    yield from _of_costs(total)
    if (nested := sum(map(_failed, groups.agents)) - _failed(total)) > 0:
        are, they = ('is', 'it is') if nested == 1 else ('are', 'they are')
        yield _Note(
            f'{nested:,} of the failed runs of agents {are} nested: {they} not among the runs, nor counted in the total',
            _OF_AGENTS,
        )
    calls, timed = (sum(getattr(each, name) for each in groups.tools) for name in ('calls', 'timed_calls'))
    if timed < calls:
        were = 'was' if calls - timed == 1 else 'were'
        yield _Note(
            f'Tool times are known for {timed:,} of {plural(calls, "call")}: {_others(timed, calls)} {were} interrupted, or '
            f'{were} never seen to end',
            _TOOL_TIMES,
        )
    if total.repeated_calls:
        yield _Note('Again: tool calls with the same arguments as two or more before them in their run', _AGAIN)
    if any(each.tool == '_several' for each in groups.tools):
        yield _Note(
            'Tool _several: results of several tools that came back together, which cannot be told apart', _SEVERAL
        )
    yield from (_Note(shared_name(each.unnamed_agents), _AGENTS) for each in groups.agents if each.unnamed_agents > 1)
    if more := left_out(groups.failures):
        yield _Note(more, _FAILURES)


def _of_costs(total: RunsUsage) -> Iterator[_Note]:
    of_requests, of_runs = total.cost_usd or 0.0, total.total_cost_usd or 0.0
    nothing = _NOTHING * max(of_requests, of_runs)
    if of_requests - of_runs > nothing:
        lacks = ': with called lacks it' if total.nested_runs else ''
        yield _Note(
            f'{dollars(of_requests - of_runs)} of the cost is of runs that have not ended, or that went on after the run that '
            f'called them{lacks}',
            _COST,
        )
    elif of_runs - of_requests > nothing:
        yield _Note(
            f'{dollars(of_runs - of_requests)} is missing from the cost: requests of these runs ended before the first record, '
            'as where a journal has lost its beginning',
            _COST,
        )


def _failed(usage: RunsUsage) -> int:
    return sum(usage.outcomes.get(outcome, 0) for outcome in FAILED_RUNS)


def _others(known: int, among: int) -> str:
    """Those of which nothing is known."""
    if known:
        return 'the others' if among - known > 1 else 'the other'
    return 'they' if among > 1 else 'it'


def _of_requests(groups: Groups) -> Iterator[_Note]:
    total = groups.total
    measured = Measured(
        requests=total.requests,
        streamed=total.streamed_requests,
        unmeasured=total.unmeasured_responses,
        interrupted=total.interrupted_responses,
        unpriced=total.unpriced_responses,
        has_first_token=total.time_to_first_token_p50 is not None,
        has_speed=total.output_tokens_per_second_p50 is not None,
        has_cost=total.cost_usd is not None,
    )
    yield from (_Note(sentence, _REQUESTS) for sentence in measured.sentences)
    yield from (_Note(sentence, _TOKENS) for sentence in measured.lacking)
