"""What the live view counts by range, error and label."""

from __future__ import annotations

import json
from typing import Any

import pytest

from streamtap import CalledRuns, FailureRecord, Live, LiveResponse, LiveRun, LiveTool, LoopRecord
from streamtap._delivery.sink import Attachment
from streamtap._web.callees import MAX_CALLEES
from streamtap._web.groups import MAX_GROUPS
from streamtap._web.live_view import LiveView
from streamtap._web.slots import MAX_LABELS
from streamtap._web.tally import MAX_CALLED
from streamtap._web.windows import SLOT_SECONDS, SLOTS
from streamtap.testing import FakeClock
from support.made_records import full_response, run, run_start, tool


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def view(clock: FakeClock) -> LiveView:
    return LiveView(clock)


def now(view: LiveView, seconds: str | None = None) -> dict[str, Any]:
    return json.loads(view.now(seconds))


def told(view: LiveView) -> list[dict[str, Any]]:
    return [json.loads(text) for text in view.finished(None).runs]


def a_run(view: LiveView, run_id: str = 'r', **changes: Any) -> None:
    view.run_started(run_start(run_id))
    view.run_ended(run(run_id=run_id, **changes))


def test_a_range_has_its_own_figures_and_says_since_when(view: LiveView, clock: FakeClock):
    """Of whole slots: the one that is open, and those before it; without a range, runs and errors count from the start."""
    a_run(view, 'old', outcome='error', error_type='KeyError', labels={'tenant': 'acme'})
    clock.advance(5 * SLOT_SECONDS)
    a_run(view, 'new', outcome='cancelled')
    clock.advance(1.0)
    minute, whole, ever = (now(view, seconds) for seconds in ('60', '900', None))
    assert [shown['now']['runs'] for shown in (minute, whole, ever)] == [1, 2, 2]
    assert [shown['agents'][0]['count'] for shown in (minute, whole, ever)] == [1, 2, 2]
    assert [len(shown['slots']) for shown in (minute, whole, ever)] == [4, 6, 6]
    assert [(shown['range'], shown['from']) for shown in (minute, whole, ever)] == [(60, 30.0), (900, 0.0), (None, 0.0)]
    assert [len(shown['errors']) for shown in (minute, whole, ever)] == [0, 1, 1]
    assert [[one['label'] for one in shown['labels']] for shown in (minute, whole)] == [[], ['tenant']]
    assert [shown['listed'] for shown in (minute, whole)] == [
        {'newest': 1, 'failed': 0, 'cancelled': 1},
        {'newest': 2, 'failed': 1, 'cancelled': 1},
    ]
    clock.advance(SLOT_SECONDS * SLOTS)
    whole, ever = (now(view, seconds) for seconds in ('900', None))
    assert (len(whole['errors']), len(ever['errors'])) == (0, 1)
    assert (whole['listed']['newest'], ever['listed']['newest']) == (0, 2)
    assert [(one['ended'], one['id']) for one in told(view)] == [(0.0, 'old'), (75.0, 'new')]


def test_errors_are_grouped_by_agent_error_and_place(view: LiveView, clock: FakeClock):
    """With how often, when first and last, and in which steps; a run has the name of its group."""
    for number in range(3):
        view.run_started(run_start(f'{number}'))
        why = FailureRecord(agent='a', error='KeyError', place='tool', name='lookup', step=3 + number)
        view.run_ended(run(run_id=f'{number}', outcome='error', error_type='KeyError', failure=why))
        clock.advance(2.0)
    a_run(view, 'other', outcome='limit', error_type='UsageLimitExceeded', agent='b')
    group = ['a', 'KeyError', 'tool', 'lookup']
    assert now(view)['errors'] == [
        {'group': group, 'count': 3, 'first': 0.0, 'last': 4.0, 'steps': [3, 5]},
        {'group': ['b', 'UsageLimitExceeded', '', ''], 'count': 1, 'first': 6.0, 'last': 6.0, 'steps': None},
    ]
    assert [one['cause'] for one in told(view)][:1] == [group]


def test_errors_past_the_cap_are_counted_together(view: LiveView):
    """In a range the later ones; since the beginning those that were seen the longest ago."""
    for number in range(MAX_GROUPS + 5):
        a_run(view, f'{number}', outcome='error', error_type=f'Error{number:03}')
    other = ['_other'] * 4
    ranged, ever = (now(view, seconds)['errors'] for seconds in ('60', None))
    for errors, kept in ((ranged, range(MAX_GROUPS)), (ever, range(5, MAX_GROUPS + 5))):
        assert {one['group'][1]: one['count'] for one in errors if one['group'] != other} == {
            f'Error{number:03}': 1 for number in kept
        }
        assert [one['count'] for one in errors if one['group'] == other] == [5]


def test_each_label_has_a_table_of_its_values(view: LiveView):
    """Of runs that users asked for, with the cost of those that they called; values and labels have caps."""
    view.run_started(run_start('outer'))
    a_run(view, 'inner', parent_run_id='outer', labels={'tenant': 'acme'})
    view.run_ended(
        run(run_id='outer', labels={'tenant': 'acme'}, time_to_first_output=1.0, cost_usd=0.5, called=CalledRuns(cost_usd=0.25))
    )  # fmt: skip
    a_run(view, 'stopped', labels={'tenant': ''}, outcome='cancelled')
    (tenants,) = now(view)['labels']
    assert tenants['label'] == 'tenant'
    shown = [
        (row['name'], row['count'], row['cancelled'], row['first'][0], row['total_cost']) for row in tenants['rows']
    ]
    assert shown == [('', 1, 1, None, None), ('acme', 1, 0, 1.0, 0.75)]
    for number in range(MAX_GROUPS + 5):
        a_run(view, labels={'tenant': f't{number}', **{f'label {other}': 'x' for other in range(MAX_LABELS + 2)}})
    labels = now(view)['labels']
    assert len(labels) == MAX_LABELS
    assert len(labels[0]['rows']) == MAX_GROUPS + 1


def seconds(count: float) -> int:
    return int(count * 10**9)


def test_a_tool_that_waits_for_another_agent_says_so(view: LiveView):
    """Where most of its time was in runs that it called, and the tool beside it, or one that works for longer, does not."""
    for run_id in ('outer', 'first', 'second', 'short'):
        view.run_started(run_start(run_id))
    view.run_ended(run(run_id='first', parent_run_id='outer', agent='editor', started_ns=seconds(1.1), duration=1.0))
    view.run_ended(run(run_id='second', parent_run_id='outer', agent='writer', started_ns=seconds(1.1), duration=3.0))
    view.tool_ended(tool(run_id='outer', tool='ask', started_ns=seconds(1), duration=3.2))
    view.tool_ended(tool(run_id='outer', tool='search', started_ns=seconds(1), duration=4.0))
    view.run_ended(run(run_id='short', parent_run_id='outer', agent='editor', started_ns=seconds(6), duration=1.0))
    view.tool_ended(tool(run_id='outer', tool='mixed', started_ns=seconds(6), duration=2.5))
    view.run_ended(run(run_id='outer'))
    assert [(row['name'], row['calls']) for row in now(view)['tools']] == [
        ('ask', ['writer', 'editor']),
        ('mixed', []),
        ('search', []),
    ]


def test_a_tool_that_ended_while_another_one_called_an_agent_called_none(view: LiveView):
    """Where the run says which call it is of."""
    view.run_started(run_start('outer'))
    view.run_started(run_start('inner'))
    view.tool_ended(tool(run_id='outer', tool='quick', tool_call_id='q', started_ns=seconds(1), duration=0.5))
    called: dict[str, Any] = {'parent_run_id': 'outer', 'parent_tool_call_id': 'a', 'agent': 'editor'}
    view.run_ended(run(run_id='inner', started_ns=seconds(1.1), duration=2.0, **called))
    view.tool_ended(tool(run_id='outer', tool='search', tool_call_id='s', started_ns=seconds(1), duration=2.0))
    view.tool_ended(tool(run_id='outer', tool='ask', tool_call_id='a', started_ns=seconds(1), duration=2.2))
    view.run_ended(run(run_id='outer'))
    assert {row['name']: row['calls'] for row in now(view)['tools']} == {'ask': ['editor'], 'search': [], 'quick': []}


def test_the_agents_that_a_tool_calls_have_a_cap(view: LiveView):
    """And so have the runs that wait for their tool to end."""
    view.run_started(run_start('outer'))
    for number in range(MAX_CALLEES + 5):
        view.run_started(run_start(f'{number}'))
        view.run_ended(run(run_id=f'{number}', parent_run_id='outer', agent=f'agent {number}', duration=None))
    view.tool_ended(tool(run_id='outer', duration=1.0))
    assert now(view)['tools'][0]['calls'] == []
    for number in range(MAX_CALLED + 2):
        view.run_started(run_start(f'{number}'))
        view.run_ended(run(run_id=f'{number}', parent_run_id='outer', agent=f'agent {number}', duration=9.0 - number))
    view.tool_ended(tool(run_id='outer', tool='ask', duration=42.0))
    calls = ['agent 0', 'agent 1', 'agent 2', '_other', 'agent 3', 'agent 4']
    assert [(row['name'], row['calls']) for row in now(view)['tools']] == [('ask', calls), ('t', [])]


def test_what_is_open_has_a_row_though_nothing_of_it_has_ended(view: LiveView, clock: FakeClock):
    """In this time: its agent, its model and its tool; past the cap only those that were counted have one."""
    who: dict[str, Any] = {'run_id': 'r', 'agent': 'gardener', 'labels': {}}
    asked: dict[str, Any] = {'provider': 'p', 'model': 'm', 'streamed': True, 'age': 2.0, 'wait': 1.5, 'chunks': 2}
    live = Live(
        runs=(LiveRun(**who, parent_run_id=None, root_agent='gardener', door='capability', age=3.0),),
        responses=(LiveResponse(**who, **asked, window=0.1, stalled='mid_stream'),),
        tools=(LiveTool(**who, tool='dig', kind='function', age=1.0),),
    )
    a_run(view, 'before')
    view.attached(Attachment((), 200, lambda: live, lambda: None))
    shown = now(view)
    assert [(row['name'], row['count'], row['now']) for row in shown['agents']] == [('a', 1, 0), ('gardener', 0, 1)]
    assert [(row['name'], row['count'], row['now'], row['stalled']) for row in shown['models']] == [('p:m', 0, 1, 1)]
    assert [(row['name'], row['agent'], row['now']) for row in shown['tools']] == [('dig', 'gardener', 1)]
    for number in range(MAX_GROUPS):
        a_run(view, f'{number}', agent=f'agent {number}')
    assert 'gardener' not in [row['name'] for row in now(view)['agents']]


def test_a_range_says_where_its_requests_and_its_runs_cost_different_sums(view: LiveView, clock: FakeClock):
    """A run that was going on at its beginning counts with all of its requests; of sums that read the same nothing is said."""
    view.run_started(run_start('long'))
    view.response_ended(full_response(run_id='long', cost_usd=0.25))
    clock.advance(5 * SLOT_SECONDS)
    view.response_ended(full_response(run_id='long', cost_usd=0.5))
    view.run_ended(run(run_id='long', cost_usd=0.75 + 1e-9))
    minute, ever = (now(view, seconds)['now']['notes'] for seconds in ('60', None))
    assert minute == [
        'Cost and models count the requests that ended in this time: $0.50; the runs that ended in it, which labels count, '
        'cost $0.75 with all of their requests'
    ]
    assert ever == []


def test_calls_that_were_retried_or_interrupted_are_counted_apart_from_those_that_failed(
    view: LiveView, clock: FakeClock
):
    """In each range."""
    for outcome in ('success', 'retried', 'retried', 'interrupted', 'error', 'denied'):
        view.tool_ended(tool(outcome=outcome))
        clock.advance(SLOT_SECONDS)
    fields = ('count', 'failed', 'retried', 'interrupted')
    rows = [now(view, seconds)['tools'][0] for seconds in (None, '60')]
    assert [[row[field] for field in fields] for row in rows] == [[6, 1, 2, 1], [3, 1, 0, 1]]


def test_what_agents_do_wrong_is_counted_where_it_is_known(view: LiveView):
    """Objectives of runs that nobody called, repeated calls of all runs, the fullest context, and what the cache held."""
    view.response_ended(full_response(context_window=100, context_tokens=90, input_tokens=200, cache_read_tokens=50))
    view.response_ended(full_response(context_window=100, context_tokens=40, input_tokens=200, cache_read_tokens=0))
    view.tool_ended(tool(repeated=True))
    view.tool_ended(tool())
    a_run(view, 'inner', agent='b', parent_run_id='gone', loops=LoopRecord(calls=3), context_used=0.9)
    a_run(view, 'met', objective_met=True, labels={'tenant': 'acme'})
    a_run(view, 'missed', objective_met=False, context_used=0.4)
    a_run(view, 'stopped', outcome='cancelled')
    told = now(view)
    health = {'objective': 0.5, 'counted': 2, 'again': 3, 'context': 0.9, 'hits': 0.125}
    assert told['now']['health'] == health
    fields = ('objective', 'again', 'context')
    assert [[row[field] for field in fields] for row in told['agents']] == [[0.5, 0, 0.4], [None, 3, 0.9]]
    assert [(row['hits'], row['context']) for row in told['models']] == [(0.125, 0.9)]
    assert [row['again'] for row in told['tools']] == [1]
    assert [row['objective'] for row in told['labels'][0]['rows']] == [1.0]


def test_what_is_not_known_is_absent(view: LiveView):
    """A model that says nothing of a cache may have none."""
    view.response_ended(full_response(cache_read_tokens=0, cache_write_tokens=0))
    a_run(view)
    assert now(view)['now']['health'] == {'objective': None, 'counted': 0, 'again': 0, 'context': None, 'hits': None}
