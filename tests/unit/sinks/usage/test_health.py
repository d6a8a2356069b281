"""What the usage summary says of loops, contexts, caches, objectives, questions and failures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from streamtap import FailureRecord, LoopRecord, UsageSink
from streamtap._sinks.usage.failure_table import MOST_ROWS
from streamtap._sinks.usage.ledger import MAX_GROUPS
from support.made_records import full_response, response, run, tool
from support.terminal import terminal

if TYPE_CHECKING:
    from streamtap._display.grid import Grid

SECOND = 10**9


def grid_of(sink: UsageSink, name: str) -> Grid:
    (found,) = (grid for grid in sink.summary().grids() if grid.name == name)
    return found


def cells(sink: UsageSink, name: str) -> list[list[str]]:
    """The headings and rows of a table."""
    grid = grid_of(sink, name)
    return [list(grid.headings), *map(list, grid.rows)]


def test_loops_count_per_tool_and_per_agent():
    """A nested run's are its agent's, and those of the total: whoever went round in circles, somebody paid for it."""
    sink = UsageSink()
    for repeated, seconds in ((False, 1.0), (True, 2.0), (True, None)):
        sink.tool_ended(tool(repeated=repeated, duration=seconds, request_tokens=500))
    sink.run_ended(run(parent_run_id='outer', agent='b', loops=LoopRecord(calls=2, seconds=2.0, tokens=1000)))
    sink.run_ended(run())
    summary = sink.summary()
    (of_tool,) = summary.tools
    assert (of_tool.calls, of_tool.repeated_calls, of_tool.repeated_seconds, of_tool.repeated_tokens) == (
        3,
        2,
        2.0,
        1000,
    )
    assert [(each.agent, each.repeated_calls, each.repeated_seconds) for each in summary.agents] == [
        ('a', 0, 0.0),
        ('b', 2, 2.0),
    ]
    assert (summary.total.runs, summary.total.repeated_calls, summary.total.repeated_tokens) == (1, 2, 1000)
    assert cells(sink, 'tools')[1][-3:] == ['2', '2.00 s', '1,000']
    assert cells(sink, 'health') == [
        ['health of', 'calls again', 'took', 'tokens'],
        ['b', '2', '2.00 s', '1,000'],
        ['total', '2', '2.00 s', '1,000'],
    ]
    assert 'Again: tool calls with the same arguments as two or more before them in their run' in summary.notes()


def test_what_a_tools_results_filled_is_beside_its_calls():
    """Of several tools at once it cannot be told whose they were, and a sentence says so."""
    sink = UsageSink()
    for name in ('search', 'read'):
        sink.tool_ended(tool(tool=name))
    sink.tool_ended(tool(tool='search', kind='output'))
    sink.response_ended(response(tool_results_of='search', tool_result_tokens=4000))
    sink.response_ended(response(tool_results_of='search', tool_result_tokens=8000))
    sink.response_ended(response(tool_results_of='_several', tool_result_tokens=70))
    sink.response_ended(response())
    summary = sink.summary()
    assert [(each.tool, each.kind, each.calls, each.result_tokens) for each in summary.tools] == [
        ('read', 'function', 1, None),
        ('search', 'function', 1, 12000),
        ('search', 'output', 1, None),
        ('_several', '', 0, 70),
    ]
    assert [row[-1] for row in cells(sink, 'tools')] == ['result tokens', '-', '12,000', '-', '70']
    assert any(note.startswith('Tool _several: ') for note in summary.notes())


def test_the_context_is_the_fullest_and_the_95th_percentile_of_requests():
    """Where a window is known; a tool cannot have filled what nobody measured."""
    sink = UsageSink()
    for tokens in (20_000, 90_000, 50_000):
        sink.response_ended(response(context_window=100_000, context_tokens=tokens))
    sink.response_ended(response(model='unknown'))
    known, unknown = sink.summary().models
    assert (known.context_used_max, known.context_used_p95) == (0.9, pytest.approx(0.9, rel=0.01))
    assert (unknown.context_used_max, unknown.context_used_p95) == (None, None)
    assert [row[-3:-1] for row in cells(sink, 'models')] == [['context p95', 'max'], ['90.0%', '90.0%'], ['-', '-']]
    assert cells(sink, 'health')[1] == ['a', '90.0%', '90.0%']


def test_a_context_that_is_not_half_full_is_no_matter_of_health():
    """Neither a table of its own nor a column of another would say anything that matters; data has it."""
    sink = UsageSink()
    sink.response_ended(response(context_window=100, context_tokens=49))
    assert sink.summary().models[0].context_used_max == 0.49
    assert 'context' not in str(sink.summary())
    sink.run_ended(run(loops=LoopRecord(calls=1, seconds=2.0, tokens=5)))
    assert cells(sink, 'health')[0] == ['health of', 'calls again', 'took', 'tokens']
    sink.response_ended(response(context_window=100, context_tokens=50))
    assert [grid.name for grid in sink.summary().grids()] == ['agents', 'models', 'health']


def test_the_cache_says_what_it_saved_and_why_it_was_missed():
    """Of a model that says nothing of a cache there is no share of hits: it may have none."""
    sink = UsageSink()
    sink.response_ended(full_response(input_tokens=1000, cache_read_tokens=750, cache_saved_usd=0.02))
    missed: dict[str, Any] = {'cache_read_tokens': 0, 'input_tokens': 500, 'cache_lost_usd': 0.004}
    sink.response_ended(full_response(**missed, cache_missed_tokens=400, cache_miss_reason='prefix_changed'))
    sink.response_ended(full_response(**missed, cache_missed_tokens=300, cache_miss_reason='expired'))
    silent: dict[str, Any] = {'cache_read_tokens': 0, 'cache_write_tokens': 0}
    sink.response_ended(full_response(model='silent', **silent))
    model, other = sink.summary().models
    assert (model.cache_hit_share, other.cache_hit_share) == (0.375, None)
    assert (model.cache_missed, model.cache_missed_tokens) == ({'prefix_changed': 400, 'expired': 300}, 700)
    assert (model.cache_saved_usd, model.cache_lost_usd) == (0.02, 0.008)
    assert cells(sink, 'cache') == [
        ['cache of', 'hits', 'tokens again', 'why', 'saved', 'lost'],
        ['p:m', '37.5%', '700', '400 prefix changed, 300 expired', '$0.02', '$0.008'],
    ]


def test_objectives_are_of_runs_that_nobody_called():
    """One that does not count is in neither number."""
    sink = UsageSink()
    for met, missed in ((True, ()), (True, ()), (False, ('first_output', 'cost')), (None, ())):
        sink.run_ended(run(objective_met=met, objective_missed=missed))
    sink.run_ended(run(parent_run_id='outer'))
    total = sink.summary().total
    assert (total.objective_met, total.objective_counted, total.runs) == (2, 3, 4)
    assert total.objective_share == pytest.approx(2 / 3)
    assert total.objective_missed == {'first_output': 1, 'cost': 1}
    assert cells(sink, 'health')[1] == ['a', '66.7%', '3', '1 first output, 1 cost']


def test_questions_are_answered_at_the_first_try_or_later():
    """A first run that somebody stopped neither answered nor failed."""
    sink = UsageSink()
    sink.run_ended(run(question_id='1', attempt=1, time_to_answer=2.0))
    sink.run_ended(run(question_id='2', attempt=1, outcome='error', error_type='E'))
    sink.run_ended(run(question_id='2', attempt=2, time_to_answer=2.0))
    sink.run_ended(run(question_id='3', attempt=1, outcome='cancelled'))
    sink.run_ended(run())
    total = sink.summary().total
    assert (total.questions, total.attempts, total.first_try, total.first_try_failed) == (3, 4, 1, 1)
    assert cells(sink, 'questions') == [
        ['first runs at a question', 'questions', 'first try', 'of', 'runs', 'answer p50', 'p95'],
        ['a', '3', '50.0%', '2', '4', '2.00 s', '2.00 s'],
        ['total', '3', '50.0%', '2', '4', '2.00 s', '2.00 s'],
    ]


def failed(number: int, **why: Any) -> Any:
    fields: dict[str, Any] = {'agent': 'a', 'error': 'KeyError', 'place': 'tool', 'name': 'lookup', **why}
    failure = FailureRecord(**fields)
    ended: dict[str, Any] = {'outcome': 'error', 'error_type': failure.error, 'failure': failure}
    return run(run_id=f'r{number}', started_ns=number * SECOND, duration=1.0, **ended)


def test_failures_are_grouped_by_agent_error_and_place():
    """With the steps they were in, when first and last, and the newest runs; the most frequent first."""
    sink = UsageSink()
    for number, step in ((5, 2), (1, 4), (3, 0), (4, 3)):
        sink.run_ended(failed(number, step=step))
    sink.run_ended(failed(9, agent='helper', place='model', name='p:m', error='Timeout', step=1))
    sink.run_ended(run(parent_run_id='outer', outcome='error', error_type='Timeout'))
    sink.run_ended(run(outcome='cancelled'))
    first, second = sink.summary().failures
    assert first.model_dump() == {
        'agent': 'a',
        'error': 'KeyError',
        'place': 'tool',
        'name': 'lookup',
        'first_step': 2,
        'last_step': 4,
        'runs': 4,
        'first_seen': '1970-01-01T00:00:02Z',
        'last_seen': '1970-01-01T00:00:06Z',
        'run_ids': ('r5', 'r4', 'r3'),
    }
    assert (second.where, second.steps, second.runs, second.run_ids) == ('p:m', '1', 1, ('r9',))
    assert cells(sink, 'failures')[1:] == [
        ['KeyError', 'tool lookup', '2-4', 'a', '4', '01-01 00:00:02', '01-01 00:00:06', 'r5'],
        ['Timeout', 'p:m', '1', 'helper', '1', '01-01 00:00:10', '01-01 00:00:10', 'r9'],
    ]


def test_a_table_of_failures_says_how_many_it_leaves_out():
    """In kinds and in runs; past a cap further kinds are one more, and none is lost from the counts."""
    sink = UsageSink()
    for number in range(MOST_ROWS + 2):
        sink.run_ended(failed(number, name=f't{number}'))
    assert len(grid_of(sink, 'failures').rows) == MOST_ROWS
    assert '2 more kinds of failures are not shown, of 2 runs: JSON has them.' in sink.summary().notes()
    for number in range(MAX_GROUPS + 3):
        sink.run_ended(failed(number, name=f't{number}'))
    failures = sink.summary().failures
    assert len(failures) == MAX_GROUPS + 1
    assert sum(each.runs for each in failures) == MOST_ROWS + 2 + MAX_GROUPS + 3
    assert [each.runs for each in failures if each.error == '_other'] == [3]


def test_a_ledger_without_any_of_it_has_the_tables_it_had():
    """Nothing is shown that there is nothing to say of."""
    sink = UsageSink()
    sink.response_ended(response())
    sink.tool_ended(tool())
    sink.run_ended(run())
    assert [grid.name for grid in sink.summary().grids()] == ['agents', 'models', 'tools']
    assert not re.search(r'again|context|objective|hits|result', str(sink.summary()))


def test_a_narrow_terminal_keeps_what_is_worth_most(monkeypatch: pytest.MonkeyPatch):
    """Of health, whether the promise was kept, how often calls were repeated, and the fullest context."""
    sink = UsageSink()
    sink.response_ended(response(context_window=100, context_tokens=93))
    sink.run_ended(
        run(
            objective_met=False,
            objective_missed=('first_output', 'duration', 'cost'),
            loops=LoopRecord(calls=12, seconds=30.0, tokens=12345),
        )
    )
    whole = str(grid_of(sink, 'health'))
    terminal(monkeypatch, 80)
    narrow = str(grid_of(sink, 'health'))
    assert [' '.join(text.splitlines()[0].split()) for text in (whole, narrow)] == [
        'health of objective met of missed calls again took tokens context p95 fullest context',
        'health of objective met of calls again fullest context',
    ]
