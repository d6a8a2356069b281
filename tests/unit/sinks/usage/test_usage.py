"""The usage ledger and its summary."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest

from streamtap import CalledRuns, PrometheusSink, ResponseRecord, RunRecord, Tap, ToolRecord, UsageSink, UsageSummary
from streamtap._sinks.usage.ledger import MAX_SLOWEST
from support.made_records import response
from support.made_records import run as made_run
from support.scripted import Calls, agent, usage_of
from support.terminal import terminal

if TYPE_CHECKING:
    from streamtap._records.records import RunOutcome

RUN: dict[str, Any] = {'run_id': 'r', 'agent': 'a', 'root_agent': 'a', 'door': 'handler', 'started_ns': 0}
RESPONSE: dict[str, Any] = {**RUN, 'step': 1, 'attempt': 1, 'provider': 'p', 'model': 'm', 'streamed': True}


def filled() -> UsageSink:
    """A ledger of two runs of one agent, one of which failed."""
    sink = UsageSink()
    for ttft, cost in ((0.5, 0.25), (1.5, None)):
        sink.response_ended(
            ResponseRecord(
                **RESPONSE,
                duration=2.0,
                outcome='success',
                time_to_first_token=ttft,
                output_tokens_per_second=50.0,
                usage_reported=True,
                input_tokens=100,
                output_tokens=10,
                cache_read_tokens=40,
                cost_usd=cost,
                labels={'tenant': 'acme'},
            )
        )
    sink.response_ended(ResponseRecord(**RESPONSE, duration=1.0, outcome='error', error_type='ModelHTTPError_500'))
    sink.response_ended(ResponseRecord(**RESPONSE, duration=1.0, outcome='success', unmeasured='not_reported'))
    sink.response_ended(ResponseRecord(**RESPONSE, duration=1.0, outcome='cancelled', unmeasured='interrupted'))
    tool: dict[str, Any] = {'run_id': 'r', 'step': 1, 'agent': 'a', 'tool': 't', 'tool_call_id': 'c', 'started_ns': 0}
    sink.tool_ended(ToolRecord(**tool, kind='function', duration=0.1, outcome='success'))
    sink.tool_ended(ToolRecord(**tool, kind='function', duration=None, outcome='retried'))
    ends: tuple[tuple[RunOutcome, float | None], ...] = (('success', 2.0), ('error', None))
    for outcome, first in ends:
        sink.run_ended(
            RunRecord(
                **RUN,
                duration=4.0,
                outcome=outcome,
                time_to_first_output=first,
                tool_calls=1,
                cost_usd=0.25 if first else None,
                labels={'tenant': 'acme'},
                phases={'wait': 4.0},
            )
        )
    return sink


def test_the_summary_adds_up_per_agent_model_tool_and_label():
    """Counts are exact, percentiles true within 5 %, and what was not observed stays out."""
    summary = filled().summary()
    (of_agent,) = summary.agents
    (of_model,) = summary.models
    (of_tool,) = summary.tools
    (of_label,) = summary.labels
    assert (of_agent.agent, of_agent.runs, of_agent.outcomes) == ('a', 2, {'success': 1, 'error': 1})
    assert (of_agent.requests, of_agent.failed_requests, of_agent.tool_calls) == (5, 1, 2)
    assert (of_model.provider, of_model.model, of_model.input_tokens, of_model.output_tokens) == ('p', 'm', 200, 20)
    assert (of_model.cache_read_tokens, of_model.cost_usd, of_model.unpriced_responses) == (80, 0.25, 1)
    assert (of_model.unmeasured_responses, of_model.interrupted_responses) == (2, 1)
    assert of_model.time_to_first_token_p50 == pytest.approx(0.5, rel=0.05)
    assert of_model.time_to_first_token_p95 == pytest.approx(1.5, rel=0.05)
    assert of_agent.time_to_first_output_p95 == pytest.approx(2.0, rel=0.05)
    assert (of_tool.tool, of_tool.calls, of_tool.outcomes) == ('t', 2, {'success': 1, 'retried': 1})
    assert of_tool.duration_p95 == pytest.approx(0.1, rel=0.05)
    assert (of_label.label, of_label.value, of_label.requests, of_label.runs) == ('tenant', 'acme', 2, 2)
    assert [(run.outcome, run.phases) for run in summary.recent_runs] == [
        ('success', {'wait': 4.0}),
        ('error', {'wait': 4.0}),
    ]


def test_nested_runs_come_on_top_of_runs_in_every_row():
    """So that the rows of agents add up to their total; how an agent's runs ended is of both."""
    sink = UsageSink()
    labels = {'tenant': 'acme'}
    sink.run_ended(made_run(agent='expert', parent_run_id='r', outcome='error', labels=labels))
    sink.run_ended(made_run(agent='clerk', labels=labels))
    sink.run_ended(made_run(agent='expert', labels=labels))
    summary = sink.summary()
    rows = {each.agent: (each.runs, each.nested_runs, each.outcomes) for each in summary.agents}
    assert rows == {'clerk': (1, 0, {'success': 1}), 'expert': (1, 1, {'error': 1, 'success': 1})}
    assert [(each.runs, each.nested_runs, each.outcomes) for each in (summary.total, *summary.labels)] == [
        (2, 1, {'success': 2})
    ] * 2


def test_the_table_reads_in_a_terminal():
    """Whole, aligned, with units, `-` where nothing is known, and a word on what the sums lack."""
    assert str(filled().summary()) == (
        'agent  runs  blank p50     p95  run p50     p95  reqs  tools   in  out   cost   failed  other\n'
        '-----  ----  ---------  ------  -------  ------  ----  -----  ---  ---  -----  -------  -----\n'
        'a         2     2.00 s  2.00 s   4.00 s  4.00 s     5      2  200   20  $0.25  1 error      -\n'
        'total     2     2.00 s  2.00 s   4.00 s  4.00 s     5      2  200   20  $0.25  1 error      -\n'
        '\n'
        'label        runs  blank p50     p95  run p50     p95  reqs  tools   in  out   cost   failed  other\n'
        '-----------  ----  ---------  ------  -------  ------  ----  -----  ---  ---  -----  -------  -----\n'
        'tenant=acme     2     2.00 s  2.00 s   4.00 s  4.00 s     2      2  200   20  $0.25  1 error      -\n'
        '\n'
        'model  reqs  failed  TTFT p50     p95  tokens/s p50  tokens in  cached   hits  out  reasoning   cost\n'
        '-----  ----  ------  --------  ------  ------------  ---------  ------  -----  ---  ---------  -----\n'
        'p:m       5       1    500 ms  1.50 s            50        200      80  40.0%   20          0  $0.25\n'
        '\n'
        'tool  kind      calls     p50     p95  failed      other\n'
        '----  --------  -----  ------  ------  ------  ---------\n'
        'a/t   function      2  100 ms  100 ms       -  1 retried\n'
        '\n'
        'failure  where  step  agent  runs  first seen      last seen       newest run\n'
        '-------  -----  ----  -----  ----  --------------  --------------  ----------\n'
        'error    -         -  a         1  01-01 00:00:04  01-01 00:00:04  r\n'
        '\n'
        'Responses whose usage is not known: 1 (not in tokens and cost)\n'
        'Responses that were interrupted: 1 (in tokens and cost only as far as reported)\n'
        'Responses without a known price: 1 (not in cost)\n'
        'The blank screen is known for 1 of 2 runs: the other did not stream, or ended before showing anything\n'
        'Tool times are known for 1 of 2 calls: the other was interrupted, or was never seen to end'
    )


def test_the_table_fits_a_terminal(monkeypatch: pytest.MonkeyPatch):
    """Of 80 columns by leaving some out, of 118 and 200 with all of them; without a terminal it is as wide as it is."""
    summary = filled().summary()
    whole = str(summary)
    terminal(monkeypatch, 80)
    assert str(summary) == (
        'agent  runs  blank p50     p95  run p50     p95  tools   in  out   cost   failed\n'
        '-----  ----  ---------  ------  -------  ------  -----  ---  ---  -----  -------\n'
        'a         2     2.00 s  2.00 s   4.00 s  4.00 s      2  200   20  $0.25  1 error\n'
        'total     2     2.00 s  2.00 s   4.00 s  4.00 s      2  200   20  $0.25  1 error\n'
        '\n'
        'label        runs  blank p50     p95  run p50     p95   in  out   cost   failed\n'
        '-----------  ----  ---------  ------  -------  ------  ---  ---  -----  -------\n'
        'tenant=acme     2     2.00 s  2.00 s   4.00 s  4.00 s  200   20  $0.25  1 error\n'
        '\n'
        'model  reqs  failed  TTFT p50     p95  tokens/s p50  tokens in  out   cost\n'
        '-----  ----  ------  --------  ------  ------------  ---------  ---  -----\n'
        'p:m       5       1    500 ms  1.50 s            50        200   20  $0.25\n'
        '\n'
        'tool  kind      calls     p50     p95  failed      other\n'
        '----  --------  -----  ------  ------  ------  ---------\n'
        'a/t   function      2  100 ms  100 ms       -  1 retried\n'
        '\n'
        'failure  where  step  agent  runs  first seen      last seen       newest run\n'
        '-------  -----  ----  -----  ----  --------------  --------------  ----------\n'
        'error    -         -  a         1  01-01 00:00:04  01-01 00:00:04  r\n'
        '\n'
        'left out at 80 columns (100 show all): of agents reqs, other; of labels reqs,\n'
        'tools, other; of models cached, cache hits, reasoning\n'
        'Responses whose usage is not known: 1 (not in tokens and cost)\n'
        'Responses that were interrupted: 1 (in tokens and cost only as far as reported)\n'
        'Responses without a known price: 1 (not in cost)\n'
        'The blank screen is known for 1 of 2 runs: the other did not stream, or ended\n'
        'before showing anything\n'
        'Tool times are known for 1 of 2 calls: the other was interrupted, or was never\n'
        'seen to end'
    )
    for columns in (118, 200):
        terminal(monkeypatch, columns)
        assert str(summary) == whole


def test_the_table_reads_in_a_notebook():
    """With the same cells and sentences as in a terminal."""
    summary = filled().summary()
    # Where a long name may be broken.
    box = ElementTree.fromstring(summary._repr_html_().replace('<wbr>', ''))  # pyright: ignore[reportPrivateUsage]
    tables = [[[cell.text for cell in row] for row in table.iter('tr')] for table in box.iter('table')]
    assert tables == [[list(grid.headings), *map(list, grid.rows)] for grid in summary.grids()]
    assert [note.text for note in box.iter('p')] == summary.notes()
    assert len(tables) == 5
    assert len(summary.notes()) == 5


def test_the_summary_goes_to_json_and_back():
    """With every figure."""
    summary = filled().summary()
    assert json.loads(summary.model_dump_json())['total']['input_tokens'] == 200
    assert UsageSummary.model_validate_json(summary.model_dump_json()) == summary


def test_an_empty_ledger_says_so_without_numbers():
    """Nothing was observed, so nothing is shown as 0 seconds."""
    summary = UsageSink().summary()
    assert (summary.total.runs, summary.total.cost_usd, summary.total.time_to_first_token_p50) == (0, None, None)
    assert 'total     0' in str(summary)


def test_the_ledger_stays_small_whatever_names_come():
    """Names past the cap are folded together, and only the last runs are kept."""
    sink = UsageSink(recent_runs=5)
    Tap([sink], max_label_values=10)
    for number in range(500):
        response: dict[str, Any] = {**RESPONSE, 'agent': f'a{number}'}
        run: dict[str, Any] = {**RUN, 'agent': f'a{number}'}
        sink.response_ended(ResponseRecord(**response, duration=1.0, outcome='success'))
        sink.run_ended(RunRecord(**run, duration=1.0, outcome='success'))
    summary = sink.summary()
    assert (len(summary.agents), len(summary.recent_runs), summary.total.requests) == (11, 5, 500)
    assert next(found.requests for found in summary.agents if found.agent == '_other') == 490


def test_it_can_begin_anew():
    """For one summary per period."""
    sink = filled()
    sink.reset()
    assert sink.summary() == UsageSink().summary()


def test_it_agrees_with_the_result_and_with_prometheus(registry: Any):
    """Three ways to the same tokens."""
    tap = Tap([PrometheusSink(registry), UsageSink()])
    made = agent([Calls('nap')], ['done'], capabilities=[tap.capability()])
    result = asyncio.run(made.run('hello'))
    total = tap.usage.summary().total
    assert (total.input_tokens, total.output_tokens) == (usage_of(result).input_tokens, usage_of(result).output_tokens)
    model = {'agent': 'scripted', 'provider': 'function', 'model': 'scripted'}
    assert registry.get_sample_value('pydantic_ai_input_tokens_total', model) == total.input_tokens


def test_print_prints_the_table(capsys: pytest.CaptureFixture[str]):
    """`tap.usage.print()` is the summary."""
    sink = filled()
    sink.print()
    assert capsys.readouterr().out == f'{sink.summary()}\n'


def test_bad_input_is_refused():
    """At construction."""
    with pytest.raises(ValueError, match='recent_runs must be at least 0'):
        UsageSink(recent_runs=-1)
    with pytest.raises(TypeError, match='recent_runs must be a whole number'):
        UsageSink(recent_runs='5')  # pyright: ignore[reportArgumentType]


def test_what_is_deferred_did_not_fail():
    """A run that waits for somebody's approval, or that somebody stopped, is shown apart from those that failed."""
    sink = UsageSink()
    for outcome in ('deferred', 'cancelled', 'limit'):
        sink.run_ended(made_run(outcome=outcome))
    headings, _, row, *_ = str(sink.summary()).splitlines()
    assert headings.split()[-2:] == ['failed', 'other']
    assert row.endswith('1 limit  1 cancelled, 1 deferred')


def test_a_name_cannot_steer_the_terminal():
    """Newlines and escape sequences in the name of an agent or a tool do not reach whoever prints the summary."""
    sink = UsageSink()
    sink.run_ended(made_run(agent='\x1b[2Jtwo\nlines'))
    assert (
        str(sink.summary()).splitlines()[2].startswith('\N{REPLACEMENT CHARACTER}[2Jtwo\N{REPLACEMENT CHARACTER}lines ')
    )


def test_a_reset_forgets_the_runs_that_are_over_too():
    """Also one that only a garbage collection shows to be over: it belongs to what was before."""
    tap = Tap([UsageSink()])

    async def main() -> None:
        with contextlib.suppress(ConnectionError):
            await agent(['so ', ConnectionError('gone')]).run('hi', event_stream_handler=tap)
        tap.usage.reset()
        assert tap.usage.summary().total.runs == 0

    gc.disable()
    try:
        asyncio.run(main())
    finally:
        gc.enable()


def test_stalls_are_counted_by_model_and_told_where_there_are_any():
    """With how long they took together; a model that never fell silent is without them."""
    sink = UsageSink()
    for stalls in (2, 1):
        sink.response_ended(response(model='slow', stalls=stalls, stall_seconds=1.5 * stalls))
    calm = UsageSink()
    for each in (sink, calm):
        each.response_ended(response(model='steady'))
    steady, slow = sorted(sink.summary().models, key=lambda each: each.stalls)
    assert [(each.stalls, each.stall_seconds) for each in (steady, slow)] == [(0, 0.0), (3, 4.5)]
    headings, rows = sink.summary().grids()[1].headings, sink.summary().grids()[1].rows
    place = list(headings).index('stalls')
    assert [tuple(row[place : place + 2]) for row in rows] == [('3', '4.50 s'), ('-', '-')]
    assert 'stalls' not in calm.summary().grids()[1].headings


def test_the_slowest_runs_are_kept_whenever_they_were():
    """Those that users asked for, the slowest first; called runs and what came since do not push them out."""
    sink = UsageSink(recent_runs=1)
    for number in range(MAX_SLOWEST + 5):
        sink.run_ended(made_run(run_id=f'{number}', duration=100.0 - number))
    sink.run_ended(made_run(run_id='called', parent_run_id='0', duration=500.0))
    assert [each.run_id for each in sink.summary().slowest_runs] == [f'{number}' for number in range(MAX_SLOWEST)]
    sink.reset()
    assert sink.summary().slowest_runs == ()


def test_what_runs_that_have_not_ended_cost_is_said():
    """It is in the cost and not in that with called runs; once all have ended nothing is said, however sums are rounded."""
    sink = UsageSink()
    for run_id, cost in (('over', 0.1), ('inner', 0.2), ('open', 0.025)):
        sink.response_ended(response(run_id=run_id, cost_usd=cost))
    sink.run_ended(made_run(run_id='inner', parent_run_id='over', cost_usd=0.2))
    sink.run_ended(made_run(run_id='over', cost_usd=0.1, called=CalledRuns(runs=1, requests=1, cost_usd=0.2)))
    told = '$0.025 of the cost is of runs that have not ended, or that went on after the run that called them'
    assert [note for note in sink.summary().notes() if 'cost is of' in note] == [f'{told}: with called lacks it']
    sink.run_ended(made_run(run_id='open', cost_usd=0.025))
    assert not any('cost is of' in note for note in sink.summary().notes())
    alone = UsageSink()
    alone.response_ended(response(run_id='open', cost_usd=0.025))
    assert [note for note in alone.summary().notes() if 'cost is of' in note] == [told]


def test_failures_of_nested_runs_are_told_apart_where_rows_of_agents_have_them():
    """They are in the row of their agent, whose runs they are not among; nothing is said where none failed."""
    sink = UsageSink()
    sink.run_ended(made_run(run_id='outer', agent='planner', outcome='error', error_type='KeyError'))
    assert not any('nested' in note for note in sink.summary().notes())
    told: list[str] = []
    for number in range(2):
        inner: dict[str, Any] = {'run_id': f'{number}', 'agent': 'pricing', 'parent_run_id': 'outer'}
        sink.run_ended(made_run(**inner, outcome='error', error_type='ValueError'))
        told += [note for note in sink.summary().notes() if 'nested' in note]
    assert told == [
        '1 of the failed runs of agents is nested: it is not among the runs, nor counted in the total',
        '2 of the failed runs of agents are nested: they are not among the runs, nor counted in the total',
    ]


def test_the_slowest_of_more_than_three_runs_are_printed_with_their_phases():
    """The slowest first, with how it ended; of three runs and less none is told apart, and tables of reports have their own."""
    sink = UsageSink()
    for number in range(1, 5):
        assert not str(sink.summary()).count('slowest run')
        error: dict[str, Any] = {'outcome': 'error', 'error_type': 'KeyError'} if number == 3 else {}
        phases = {'wait': 1.0, 'stream': 0.5, 'tools': number - 1.5}
        sink.run_ended(made_run(run_id=f'r{number}', duration=float(number), phases=phases, **error))
    assert str(sink.summary()).partition('slowest')[2] == (
        ' run    took  outcome   longest phase\n'
        '-----------  ------  --------  --------------------------\n'
        'a r4         4.00 s  success   62 % tools\n'
        'a r3         3.00 s  KeyError  50 % tools\n'
        'a r2         2.00 s  success   50 % waiting for the model'
    )
    sink.run_ended(made_run(run_id='called', parent_run_id='r4', duration=9.0))
    rows = str(sink.summary()).partition('slowest')[2].splitlines()[2:]
    assert [' '.join(row.split()) for row in rows[:2]] == [
        'a r4 4.00 s success 62 % tools and called runs',
        'a r3 3.00 s KeyError 50 % tools and called runs',
    ]
    assert 'slowest' not in ''.join(map(str, sink.summary().grids()))


def test_what_requests_before_the_first_record_cost_is_said_to_be_missing():
    """As where a journal has lost its beginning: runs say what all of their requests cost."""
    sink = UsageSink()
    sink.response_ended(response(run_id='r', cost_usd=0.1))
    sink.run_ended(made_run(run_id='r', cost_usd=0.3))
    assert [note for note in sink.summary().notes() if 'cost' in note] == [
        '$0.20 is missing from the cost: requests of these runs ended before the first record, as where a journal has lost '
        'its beginning'
    ]
