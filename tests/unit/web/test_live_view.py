"""What the live view remembers and tells, and to whom."""

from __future__ import annotations

import json
import re
import urllib.request
from graphlib import TopologicalSorter
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from streamtap import BaseSink, CalledRuns, PartRecord, Tap, serve
from streamtap._delivery.sink import Attachment
from streamtap._records.live import Live, LiveResponse, LiveRun, LiveTool
from streamtap._web.groups import MAX_GROUPS
from streamtap._web.kept import NEWEST
from streamtap._web.live_view import MAX_OPEN, LiveView
from streamtap._web.page import MAX_VIEWERS
from streamtap._web.remembered import MAX_ROWS
from streamtap._web.windows import SLOT_SECONDS, SLOTS
from streamtap.testing import FakeClock
from support.made_records import IDS, full_response, read_run, response, run, run_start, tool
from support.made_runs_tap import MadeRunsTap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamtap import MetricsServer

TOKEN = 'a-token-of-some-length'
SECOND = 10**9


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def view(clock: FakeClock) -> LiveView:
    return LiveView(clock)


def told(view: LiveView, after: int | None = None) -> list[dict[str, Any]]:
    return [json.loads(text) for text in view.finished(after).runs]


def now(view: LiveView) -> dict[str, Any]:
    return json.loads(view.now())


def a_run(view: LiveView, run_id: str = 'r', **changes: Any) -> None:
    view.run_started(run_start(run_id))
    view.run_ended(run(run_id=run_id, **changes))


# What is told of a run


def part(kind: str, start: float, duration: float, chunks: int = 3) -> PartRecord:
    return PartRecord(index=0, kind=kind, tool=None, tool_call_id=None, start=start, duration=duration, chunks=chunks)


def test_a_finished_run_is_reported_with_each_bar_of_its_waterfall(view: LiveView):
    """Waiting, parts and stall of a request, and its tool, at their seconds of the run, and the ids to find its trace."""
    view.run_started(run_start('r'))
    answer = full_response(
        started_ns=SECOND // 2,
        parts=(part('thinking', 0.4, 0.2), part('text', 0.7, 0.5), part('builtin-tool-return', 1.3, 0.0)),
        stalls=1,
        stall_seconds=0.25,
        stall_starts=(0.8,),
        **IDS,
    )
    view.response_ended(answer)
    view.tool_ended(tool(started_ns=2 * SECOND, outcome='retried', retry_cause='model_retry'))
    view.run_ended(
        run(phases={'wait': 0.4, 'tools': 0.75, 'other': 2.85}, cost_usd=0.25, requests=1, input_tokens=300, **IDS)
    )
    (shown,) = told(view)
    request, call = shown.pop('rows')
    assert request['bars'] == [
        ['waiting', 0.5, 0.4],
        ['thinking', 0.9, 0.2],
        ['text', 1.2, 0.5],
        ['stall', 1.3, 0.25],
    ]
    assert (request['name'], request['first'], request['speed'], request['cost']) == ('p:m', 0.4, 55.0, 0.25)
    assert (call['name'], call['bars'], call['error']) == ('t', [['tool', 2.0, 0.75]], 'model_retry')
    assert shown == {
        'id': 'r',
        'parent': None,
        'agent': 'a',
        'started': 0.0,
        'duration': 4.0,
        'outcome': 'success',
        'failed': False,
        'error': None,
        'requests': 1,
        'total_requests': 1,
        'tools': 0,
        'total_tools': 0,
        'input': 300,
        'total_input': 300,
        'output': 0,
        'total_output': 0,
        'unmeasured': 0,
        'total_unmeasured': 0,
        'cost': 0.25,
        'total_cost': 0.25,
        'first_output': None,
        'reader_delay': None,
        'objective': None,
        'missed': [],
        'again': 0,
        'context': None,
        'attempt': None,
        'phases': {'wait': 0.4, 'tools': 0.75, 'other': 2.85},
        'labels': {},
        'trace': IDS['trace_id'],
        'nested': [],
        'left_out': 0,
        'why': '66 % other work',
        'mood': '',
        'spent': '',
        'cause': None,
        'failed_step': None,
        'failed_agent': None,
        'number': 1,
        'ended': 0.0,
    }


def test_a_run_that_waited_for_a_slot_has_a_row_of_that(view: LiveView):
    """Behind its requests and tool calls, which nested runs name by their numbers."""
    view.run_started(run_start('r'))
    view.tool_ended(tool(started_ns=2 * SECOND))
    view.run_ended(run(phases={'queue': 1.5, 'tools': 0.75, 'other': 1.75}))
    (shown,) = told(view)
    called, queued = shown['rows']
    assert called['sort'] == 'tool'
    assert queued == {
        'sort': 'queue',
        'name': '',
        'start': 0.0,
        'duration': 1.5,
        'outcome': 'success',
        'failed': False,
        'error': None,
        'bars': [['queue', 0.0, 1.5]],
        'marks': [],
    }


def test_an_interrupted_tool_goes_on_until_its_run_ends(view: LiveView):
    """In a run that is over, and in one that is about to be; a run that it called is its own in both."""
    for run_id in ('r', 'called'):
        view.run_started(run_start(run_id))
    inside: dict[str, Any] = {'run_id': 'called', 'parent_run_id': 'r', 'outcome': 'cancelled'}
    view.run_ended(run(**inside, started_ns=2 * SECOND, duration=2.0))
    view.tool_ended(tool(tool='fast', started_ns=SECOND, duration=1.5))
    view.tool_ended(tool(tool='slow', started_ns=SECOND, duration=None, outcome='interrupted'))
    of_run: dict[str, Any] = {'parent_run_id': None, 'labels': {}, 'root_agent': 'a', 'door': 'capability'}
    live = Live(runs=(LiveRun(run_id='r', agent='a', age=4.0, **of_run),))
    view.attached(Attachment((), 200, lambda: live, lambda: None))
    (going_on,) = now(view)['open']
    view.run_ended(run(duration=4.0, outcome='cancelled', phases={'tools': 3.0, 'other': 1.0}))
    (over,) = told(view)
    for shown in (going_on, over):
        assert [(row['name'], row['duration'], row['bars']) for row in shown['rows']] == [
            ('fast', 1.5, [['tool', 1.0, 1.5]]),
            ('slow', 3.0, [['interrupted', 1.0, 3.0]]),
        ]
        assert [called['caller'] for called in shown['nested']] == [1]
    assert (over['why'], over['mood'], over['spent']) == ('cancelled in tool slow', 'warn', '75 % tool slow')


def test_a_run_says_by_how_much_its_reader_was_late(view: LiveView):
    """Its first output is the reader's."""
    view.run_started(run_start('r'))
    view.run_ended(read_run())
    (shown,) = told(view)
    assert (shown['first_output'], shown['reader_delay']) == (2.5, 1.5)


@pytest.mark.parametrize(
    ('changes', 'bars', 'marks'),
    [
        ({'streamed': False, 'duration': 2.0}, [['model', 0.0, 2.0]], []),
        ({'duration': 2.0, 'outcome': 'error'}, [['waiting', 0.0, 2.0]], []),
        ({'duration': None}, [], []),
        ({'chunks': 3, 'parts': (part('text', 0.5, 1.0),)}, [['text', 0.5, 1.0]], []),
        ({'chunks': 1, 'time_to_first_token': 1.0, 'stalls': 2, 'stall_starts': (3.0, 9.0)}, [['waiting', 0.0, 1.0]], [3.0, 9.0]),
    ],
    ids=['not streamed', 'failed before its first chunk', 'unknown start', 'late reader', 'several stalls'],
)  # fmt: skip
def test_what_was_not_measured_has_no_bar(view: LiveView, changes: dict[str, Any], bars: list[Any], marks: list[float]):
    """Of several stalls only the beginnings are known, so that they are marks."""
    view.run_started(run_start('r'))
    view.response_ended(response(**changes))
    view.run_ended(run())
    (row,) = told(view)[0]['rows']
    assert (row['bars'], row['marks']) == (bars, marks)


def test_a_nested_run_is_reported_inside_the_one_that_called_it(view: LiveView):
    """And not beside it; one that ends after its parent stands alone."""
    for run_id in ('outer', 'inner', 'late'):
        view.run_started(run_start(run_id))
    view.run_ended(run(run_id='inner', parent_run_id='outer'))
    view.run_ended(run(run_id='outer'))
    view.run_ended(run(run_id='late', parent_run_id='outer'))
    outer, late = told(view)
    assert [(one['id'], one['caller']) for one in outer['nested']] == [('inner', None)]
    assert (late['id'], late['parent']) == ('late', 'outer')


def test_a_called_run_has_the_tool_that_called_it(view: LiveView):
    """Of tools at the same time: the one that ended right after it; its row, not its number among tools."""
    for run_id in ('outer', 'inner'):
        view.run_started(run_start(run_id))
    view.response_ended(response(run_id='outer', duration=0.5))
    view.run_ended(run(run_id='inner', parent_run_id='outer', started_ns=SECOND, duration=2.0))
    for name, ended in (('ask', 3.1), ('beside', 5.0)):
        view.tool_ended(tool(run_id='outer', tool=name, started_ns=SECOND, duration=ended - 1))
    view.run_ended(run(run_id='outer'))
    (outer,) = told(view)
    assert [one['caller'] for one in outer['nested']] == [1]


def test_a_run_that_did_not_succeed_says_where_its_time_went_too(view: LiveView):
    """Beside why it failed."""
    a_run(view, outcome='error', error_type='KeyError', phases={'wait': 3.0, 'other': 1.0})
    (shown,) = told(view)
    assert (shown['why'], shown['spent']) == ('KeyError', '75 % waiting for the model')


def test_a_run_says_what_it_took_with_the_runs_that_it_called(view: LiveView):
    """Beside what it took itself."""
    called = CalledRuns(runs=1, requests=2, tool_calls=3, input_tokens=40, output_tokens=5, unmeasured_responses=1)
    a_run(view, requests=1, tool_calls=1, input_tokens=10, output_tokens=2, called=called)
    (shown,) = told(view)
    names = ('requests', 'tools', 'input', 'output', 'unmeasured')
    assert [(shown[name], shown[f'total_{name}']) for name in names] == [(1, 3), (1, 4), (10, 50), (2, 7), (0, 1)]


def test_tokens_that_no_response_reported_are_not_known(view: LiveView):
    """A run whose requests were refused did not use 0; what it called may have reported some all the same."""
    a_run(view, requests=1, outcome='error', called=CalledRuns(runs=1, requests=1, input_tokens=40))
    a_run(view, run_id='refused', requests=1, outcome='error')
    names = 'input', 'total_input', 'output', 'total_output'
    assert [[shown[name] for name in names] for shown in told(view)] == [[None, 40, None, 0], [None] * 4]


def test_what_goes_on_is_reported_as_far_as_it_is_known(view: LiveView):
    """Open runs with their open request or tool, inside the run that called them."""
    view.run_started(run_start('outer'))
    view.run_started(run_start('inner'))
    view.response_ended(response(run_id='outer', streamed=False, duration=1.0))
    who: dict[str, Any] = {'agent': 'a', 'labels': {}}
    run_of: dict[str, Any] = {**who, 'root_agent': 'a', 'door': 'capability'}
    live = Live(
        runs=(
            LiveRun(run_id='outer', parent_run_id=None, age=9.0, **run_of),
            LiveRun(run_id='inner', parent_run_id='outer', age=8.0, **run_of),
        ),
        responses=(
            LiveResponse(run_id='inner', provider='p', model='m', streamed=True, age=7.0, wait=6.0, chunks=2, window=0.5, stalled='mid_stream', since_first_chunk=6.5, since_first_output=6.2, **who),
        ),
        tools=(LiveTool(run_id='outer', tool='ask', kind='function', age=8.5, **who),),
    )  # fmt: skip
    view.attached(Attachment((), 200, lambda: live, lambda: None))
    shown = now(view)
    (outer,) = shown['open']
    (inner,) = outer['nested']
    assert outer['rows'][inner['caller']]['name'] == 'ask'
    assert [row['bars'] for row in outer['rows']] == [[['model', 0.0, 1.0]], [['tool', 0.5, 8.5]]]
    assert inner['rows'][0]['bars'] == [
        ['waiting', 1.0, 0.5],
        ['thinking', 1.5, 0.3],
        ['streaming', 1.8, 6.2],
        ['stall', 2.0, 6.0],
    ]
    assert (shown['now']['in_progress'], shown['now']['requests'], shown['now']['stalled']) == (1, 1, 1)


def test_an_open_response_that_did_not_think_has_no_sliver_of_it(view: LiveView):
    """Whatever the times are: sums of them are not exact."""
    who: dict[str, Any] = {'run_id': 'r', 'agent': 'a', 'labels': {}}
    asked: dict[str, Any] = {**who, 'provider': 'p', 'model': 'm', 'streamed': True, 'wait': 0.1, 'window': 0.5}
    view.run_started(run_start('r'))
    for number in range(1, 50):
        age, since = 1.1 * number, 0.1 * number
        live = Live(
            runs=(LiveRun(**who, parent_run_id=None, root_agent='a', door='capability', age=age),),
            responses=(
                LiveResponse(
                    **asked, age=age, chunks=2, stalled=None, since_first_chunk=since, since_first_output=since
                ),
            ),
        )
        view.attached(Attachment((), 200, lambda live=live: live, lambda: None))
        assert [kind for kind, *_ in now(view)['open'][0]['rows'][0]['bars']] == ['waiting', 'streaming']


@pytest.mark.parametrize(
    ('wait', 'longest_before', 'written'),
    [(0.4, 0.1, 2.0), (0.5, 0.1, 1.5), (1.5, 0.1, 0.5), (1.5, 1.5, 2.0), (None, 0.1, 2.0)],
)
def test_an_open_response_is_silent_by_the_rule_for_finished_ones(
    view: LiveView, wait: float | None, longest_before: float, written: float
):
    """For half a second or more, and longer than ever in it; its bar ends where the silence began."""
    who: dict[str, Any] = {'run_id': 'r', 'agent': 'a', 'labels': {}}
    asked: dict[str, Any] = {**who, 'provider': 'p', 'model': 'm', 'streamed': True, 'chunks': 9, 'stalled': None}
    seen: dict[str, Any] = {'age': 3.0, 'window': 1.0, 'wait': wait, 'longest_wait': longest_before}
    view.run_started(run_start('r'))
    for since_first_output, last in ((2.0, 'streaming'), (None, 'thinking')):
        live = Live(
            runs=(LiveRun(**who, parent_run_id=None, root_agent='a', door='capability', age=3.0),),
            responses=(LiveResponse(**asked, **seen, since_first_chunk=2.0, since_first_output=since_first_output),),
        )
        view.attached(Attachment((), 200, lambda live=live: live, lambda: None))
        [row] = now(view)['open'][0]['rows']
        assert (row['silent'], row['bars']) == (written < 2.0, [['waiting', 0.0, 1.0], [last, 1.0, written]])


def test_a_viewer_gets_each_run_once(view: LiveView):
    """Whoever was away for too long is told what is still remembered."""
    a_run(view, 'first')
    first = view.finished(None)
    after = first.count
    assert (after, first.is_all, len(first.runs)) == (1, True, 1)
    a_run(view, 'second')
    assert [one['id'] for one in told(view, after)] == ['second']
    assert told(view, 2) == []
    for number in range(NEWEST + 5):
        a_run(view, f'later {number}')
    assert len(told(view, after)) == NEWEST


def test_what_the_caller_stopped_is_counted_apart_from_what_failed(view: LiveView):
    """In the headline, of runs that are not nested, and in the rows of agents and models."""
    view.response_ended(full_response(outcome='cancelled'))
    a_run(view, 'stopped', outcome='cancelled')
    a_run(view, 'broken', outcome='error')
    a_run(view, 'called', outcome='cancelled', parent_run_id='broken')
    shown = now(view)
    assert (shown['now']['runs'], shown['now']['failed'], shown['now']['cancelled']) == (2, 1, 1)
    assert [(row['count'], row['failed'], row['cancelled']) for row in shown['agents']] == [(3, 1, 2)]
    assert [(row['count'], row['failed'], row['cancelled']) for row in shown['models']] == [(1, 0, 1)]


def test_what_tokens_and_cost_lack_is_said_as_in_a_terminal(view: LiveView):
    """A sentence for each reason."""
    for changes in ({}, {'cost_usd': None}):
        view.response_ended(full_response(**changes))
    for unmeasured in ('interrupted', 'not_reported', 'interrupted'):
        view.response_ended(response(unmeasured=unmeasured))
    assert (now(view)['now']['unmeasured'], now(view)['now']['notes']) == (
        3,
        [
            'Responses whose usage is not known: 1 (not in tokens and cost)',
            'Responses that were interrupted: 2 (in tokens and cost only as far as reported)',
            'Responses without a known price: 1 (not in cost)',
        ],
    )


def test_stalls_that_are_over_are_counted_by_model(view: LiveView, clock: FakeClock):
    """With how long they took, of all slots together."""
    for _ in range(2):
        view.response_ended(response(stalls=2, stall_seconds=1.5))
        clock.advance(SLOT_SECONDS)
    view.response_ended(response(model='other'))
    found = [(row['name'], row['stalls'], row['stall_seconds'], row['stalled']) for row in now(view)['models']]
    assert found == [('p:m', 4, 3.0, 0), ('p:other', 0, 0.0, 0)]


def test_figures_and_tables_are_of_the_last_quarter_of_an_hour(view: LiveView, clock: FakeClock):
    """A slot later they stand in the slot before; after fifteen minutes they are gone, and the totals stay."""
    view.response_ended(full_response())
    view.tool_ended(tool(outcome='failed'))
    a_run(view, outcome='error', time_to_first_output=1.25, cost_usd=0.5)
    clock.advance(SLOT_SECONDS)
    shown = now(view)
    assert [slot['runs'] for slot in shown['slots']] == [1, 0]
    assert shown['slots'][0] == {
        'runs': 1, 'failed': 1, 'first_token': 0.4, 'first_output': 1.25, 'speed': 55.0, 'cost': 0.25
    }  # fmt: skip
    assert (shown['now']['first_token'], shown['now']['speed']) == ([0.4, 0.4], [55.0, 55.0])
    assert [(row['name'], row['count'], row['failed']) for row in shown['agents']] == [('a', 1, 1)]
    assert [(row['name'], row['count'], row['cost']) for row in shown['models']] == [('p:m', 1, 0.25)]
    assert [(row['agent'], row['name'], row['failed']) for row in shown['tools']] == [('a', 't', 1)]
    clock.advance(SLOT_SECONDS * SLOTS)
    shown = now(view)
    assert (shown['now']['runs'], shown['models'], len(shown['slots'])) == (0, [], 1)
    assert (shown['runs'], shown['cost']) == (1, 0.25)


def test_slots_slide_one_by_one(view: LiveView, clock: FakeClock):
    """With a run in each of more slots than are kept, the last ones are told, whenever somebody looked."""
    for number in range(SLOTS + 20):
        a_run(view)
        if number % 7 == 0:
            now(view)
        clock.advance(SLOT_SECONDS)
    shown = now(view)
    assert [slot['runs'] for slot in shown['slots']] == [*[1] * (SLOTS - 1), 0]
    assert shown['now']['runs'] == SLOTS - 1


def test_memory_is_bounded(view: LiveView):
    """Runs, steps of a run, open runs and groups each have a cap."""
    view.run_started(run_start('long'))
    for _ in range(MAX_ROWS + 10):
        view.tool_ended(tool(run_id='long'))
    view.run_ended(run(run_id='long'))
    (long,) = told(view)
    assert (len(long['rows']), long['left_out']) == (MAX_ROWS, 10)
    for number in range(MAX_OPEN + 10):
        view.run_started(run_start(f'open {number}'))
    for number in range(MAX_OPEN + 10):
        view.tool_ended(tool(run_id=f'open {number}'))
    for run_id, rows in (('open 9', 0), ('open 10', 1)):
        view.run_ended(run(run_id=run_id))
        assert len(told(view)[-1]['rows']) == rows
    for number in range(NEWEST + MAX_GROUPS):
        view.run_ended(run(run_id=f'{number}', agent=f'agent {number}'))
    assert len(told(view)) == NEWEST
    assert now(view)['agents'][0]['name'] == '_other'
    assert len(now(view)['agents']) == MAX_GROUPS + 1


def test_names_from_outside_are_data(view: LiveView):
    """Whatever a name is, what is told is one line of ASCII JSON."""
    name = '</script><img src=x onerror=alert(1)>\n\nevent: all \ud800 \u2028'
    a_run(view, agent=name)
    (text,) = view.finished(None).runs
    assert text.isascii()
    assert '\n' not in text + view.now()
    assert json.loads(text)['agent'] == name


# The server


@pytest.fixture
def served() -> Iterator[MetricsServer]:
    with serve(Tap([BaseSink()]), port=0, registry=CollectorRegistry()) as server:
        yield server


def client(server: MetricsServer, **settings: Any) -> httpx.Client:
    return httpx.Client(base_url=str(server.live_url), trust_env=False, **settings)


def events(answer: httpx.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of a stream, as a browser reads them."""
    name = ''
    for line in answer.iter_lines():
        field, _, value = line.partition(': ')
        if field == 'event':
            name = value
        elif field == 'data':
            yield name, json.loads(value)


def test_the_page_is_beside_the_metrics(served: MetricsServer):
    """With everything it needs, and a policy that lets it load nothing from elsewhere."""
    with client(served) as browser:
        page = browser.get('/')
        assert page.headers['content-type'] == 'text/html; charset=utf-8'
        assert "default-src 'none'; script-src 'self'" in page.headers['content-security-policy']
        assert '<title>streamtap</title>' in page.text
        for asset, kind in (('live.css', 'text/css'), ('live.js', 'text/javascript'), ('icon.svg', 'image/svg+xml')):
            assert asset in page.text
            assert browser.get(f'/{asset}').headers['content-type'].startswith(kind)
        assert browser.get('/metrics').headers['content-type'].startswith('text/plain')
        for other in ('/elsewhere', '/index.html', '/static/live.js', '/..%2f_page.py'):
            assert browser.get(other).status_code == 404
        assert browser.post('/').status_code == 405


STATIC = files('streamtap._web') / 'static'


def modules() -> dict[str, str]:
    """The page's own code, by the names of its files."""
    return {file.name: file.read_text(encoding='utf-8') for file in STATIC.iterdir() if file.name.endswith('.js')}


def test_every_module_of_the_page_is_served_and_imports_one_way(served: MetricsServer):
    """From `live.js` down, without a circle, and none is left over."""
    needs = {name: set(re.findall(r" from '\./(.+)';", code)) for name, code in modules().items()}
    assert needs.keys() - set().union(*needs.values()) == {'live.js'}
    order = list(TopologicalSorter(needs).static_order())
    assert sorted(order) == sorted(needs)
    with client(served) as browser:
        assert {name: browser.get(f'/{name}').text for name in order} == modules()


def test_no_markup_and_no_code_comes_from_data():
    """The page's own code never turns text into markup."""
    page = (STATIC / 'index.html').read_text(encoding='utf-8')
    for way in ('innerHTML', 'outerHTML', 'insertAdjacentHTML', 'document.write', 'eval(', 'new Function'):
        assert [name for name, code in modules().items() if way in code] == []
    for inline in ('style=', 'onclick', '<style', 'http:', 'https:', '//'):
        assert inline not in page


def test_without_a_tap_there_is_only_metrics():
    """As it was: off unless asked for."""
    with serve(port=0, registry=CollectorRegistry()) as server:
        assert server.live_url is None
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(server.url) as answer:
            assert answer.headers['Content-Type'].startswith('text/plain')


def test_events_are_first_everything_then_what_is_new(served: MetricsServer):
    """Each viewer starts with all that is remembered, so that it does not matter which process it knew."""
    with (
        client(served) as browser,
        browser.stream('GET', '/events', headers={'Last-Event-ID': '7'}) as one,
        browser.stream('GET', '/events') as other,
    ):
        assert one.headers['content-type'] == 'text/event-stream'
        for viewer in (one, other):
            told = events(viewer)
            assert [next(told)[0], next(told)[0]] == ['all', 'more']


def test_a_viewer_that_comes_again_is_told_only_what_it_missed():
    """Its browser says what it saw last; what it says of another process, or makes up, counts as nothing."""
    tap = MadeRunsTap()
    with serve(tap, port=0, registry=CollectorRegistry()) as server, client(server) as browser:

        def first_event(seen: str) -> tuple[str, str, list[str]]:
            with browser.stream('GET', '/events', headers={b'Last-Event-ID': seen.encode()}) as viewer:
                lines = viewer.iter_lines()
                named = next(line for line in lines if line.startswith('id: '))
                event, data = next(lines), json.loads(next(lines).removeprefix('data: '))
            return event, named.removeprefix('id: '), [one['id'] for one in data['runs']]

        tap.add_run('before')
        _, seen, _ = first_event('')
        tap.add_run('missed')
        assert first_event(seen)[::2] == ('event: more', ['missed'])
        name = seen.partition('-')[0]
        for made_up in ('other-1', name, f'{name}-', f'{name}--1', f'{name}-{"9" * 5000}', f'{name}-\u00b2'):
            assert first_event(made_up)[::2] == ('event: all', ['before', 'missed'])


def test_a_run_is_pushed_to_its_viewers():
    """With the figures of the moment."""
    tap = MadeRunsTap()
    with (
        serve(tap, port=0, registry=CollectorRegistry()) as server,
        client(server) as browser,
        browser.stream('GET', '/events') as viewer,
    ):
        told = events(viewer)
        assert next(told)[1]['runs'] == []
        tap.add_run('r')
        name, message = next((name, message) for name, message in told if message['runs'])
        assert (name, [one['id'] for one in message['runs']], message['now']['runs']) == ('more', ['r'], 1)


def test_a_viewer_may_ask_for_a_range():
    """One that there is; anything else is as if nothing was asked for."""
    trace_url = 'https://example.org/{trace_id}'
    with (
        serve(MadeRunsTap(), port=0, registry=CollectorRegistry(), trace_url=trace_url) as server,
        client(server) as browser,
    ):
        for query, seconds in (('?range=60', 60), ('?range=900', 900), ('?range=61', None), ('?range=%00&x', None)):
            with browser.stream('GET', f'/events{query}') as viewer:
                told = next(events(viewer))[1]['now']
            assert (told['range'], told['trace_url']) == (seconds, trace_url)


def test_closing_lets_every_viewer_go_and_the_tap_too():
    """A closed server is told nothing more."""
    tap = MadeRunsTap()
    server = serve(tap, port=0, registry=CollectorRegistry())
    assert len(tap.added) == 1
    with client(server) as browser, browser.stream('GET', '/events') as viewer:
        told = events(viewer)
        next(told)
        server.close()
        assert [name for name, _ in told] == []
    assert tap.added == []
    server.close()


def test_viewers_are_not_without_number(served: MetricsServer):
    """Each holds a thread; who leaves makes room."""
    with client(served, limits=httpx.Limits(max_connections=None)) as browser:
        viewers = [browser.send(browser.build_request('GET', '/events'), stream=True) for _ in range(MAX_VIEWERS)]
        assert browser.get('/events').status_code == 503
        for viewer in viewers:
            viewer.close()


# Who may look


def test_another_name_for_loopback_is_refused(served: MetricsServer):
    """A page of somebody else's that leads its own name here by DNS reads nothing."""
    with client(served) as browser:
        for host in ('localhost', f'localhost:{served.port}', f'127.0.0.1:{served.port}', '[::1]:1'):
            assert browser.get('/', headers={'Host': host}).status_code == 200
        for host in ('example.org', 'localhost.example.org', '127.0.0.1.example.org', '[', ''):
            for path in ('/', '/events', '/live.js', '/metrics', '/nothing'):
                assert browser.get(path, headers={'Host': host}).status_code == 403


@pytest.mark.parametrize('addr', ['0.0.0.0', '', '::', '192.0.2.1', 'example.org'])
def test_another_address_needs_a_token(addr: str):
    """Or nothing is served, and the error says what to do."""
    with pytest.raises(ValueError, match=r'needs a token.*secrets\.token_urlsafe\(\).*127\.0\.0\.1'):
        serve(Tap([BaseSink()]), port=0, addr=addr)


def test_a_token_opens_the_page():
    """As a header, or once in the address, which leaves a cookie that is not the token; nothing else does."""
    with serve(Tap([BaseSink()]), port=0, addr='0.0.0.0', token=TOKEN, registry=CollectorRegistry()) as server:
        url = f'http://127.0.0.1:{server.port}'
        with httpx.Client(base_url=url, trust_env=False) as browser:
            refused = browser.get('/events')
            assert (refused.status_code, refused.headers['www-authenticate']) == (401, 'Bearer')
            for wrong in ({'Authorization': 'Bearer no'}, {'Authorization': TOKEN}, {'Cookie': f'streamtap_{server.port}={TOKEN}'}):  # fmt: skip
                assert browser.get('/', headers=wrong).status_code == 401
            assert browser.get('/?token=no%ff').status_code == 401
            assert browser.get('/', headers={'Authorization': f'Bearer {TOKEN}'}).status_code == 200
            entered = browser.get(f'/?token={TOKEN}')
            assert (entered.status_code, entered.headers['location']) == (303, './')
            assert TOKEN not in entered.headers['set-cookie']
            assert 'Max-Age=43200; HttpOnly; SameSite=Lax' in entered.headers['set-cookie']
            assert browser.get('/').status_code == 200
            ours = entered.headers['set-cookie'].partition(';')[0]
            browser.cookies.clear()
            for others in ('prefs={"theme":"dark"}', 'flag', 'a=b c'):
                assert browser.get('/', headers={'Cookie': f'{others}; {ours}'}).status_code == 200
            assert browser.get('/').status_code == 401
            assert browser.get('/metrics').status_code == 200


def test_a_token_without_a_live_view_is_refused():
    """It would protect nothing."""
    with pytest.raises(ValueError, match='the token protects the live view'):
        serve(port=0, token=TOKEN)


def test_a_port_in_the_place_of_the_tap_says_how_to_pass_it():
    """As `serve(9464)` is easily written."""
    with pytest.raises(TypeError, match=r'pass serve\(port=9464\)'):
        serve(9464)  # pyright: ignore[reportArgumentType]
