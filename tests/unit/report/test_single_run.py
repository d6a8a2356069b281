"""A report of one run: what happened in it, in which order."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from streamtap import CalledRuns, FailureRecord, LoopRecord, PartRecord
from streamtap._cli import main
from streamtap._records.run_tree import RunTree
from streamtap._report.run_trees import RunTrees
from streamtap._report.steps import about, left_out, step_data, step_grid
from streamtap._report.waterfall import NARROW, WIDE, Shape, waterfall
from streamtap._sinks.journal.lines import record_line
from support.made_records import full_response, response, run, tool

if TYPE_CHECKING:
    from pathlib import Path

MS = 10**6

RECORDS = [
    full_response(run_id='outer', agent='boss', stalls=0, stall_seconds=0.0, started_ns=1),
    full_response(run_id='inner', agent='helper', started_ns=3000 * MS),
    tool(run_id='inner', agent='helper', tool='search', kind='native', started_ns=3100 * MS),
    run(
        run_id='inner', parent_run_id='outer', agent='helper', duration=2.0, input_tokens=300, started_ns=2500 * MS,
        time_to_first_output=0.1, cost_usd=0.25,
    ),
    tool(run_id='outer', agent='boss', tool='ask', started_ns=2400 * MS, outcome='error', error_type='KeyError'),
    run(
        run_id='outer', agent='boss', duration=5.0, outcome='error', error_type='KeyError', input_tokens=300,
        cost_usd=0.25, called=CalledRuns(runs=1, requests=1, input_tokens=300, cost_usd=0.25),
        failure=FailureRecord(agent='boss', error='KeyError', place='tool', name='ask', step=1),
    ),
    run(run_id='another', agent='boss'),
]  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / 'j'
    path.write_bytes(b''.join(map(record_line, RECORDS)))
    return path


def test_its_steps_are_in_the_order_in_which_they_began(path: Path, capsys: pytest.CaptureFixture[str]):
    """Inside what they are part of; a run's tokens are those of its steps."""
    assert main(['report', str(path), '--run', 'outer']) == 0
    heading, _, table = capsys.readouterr().out.partition('\n\n')
    assert heading.splitlines() == [
        f'{path}: 1 run, $0.50, 1970-01-01 00:00:00 to 00:00:05 UTC',
        'only run outer, and all that it called',
        'boss, error after 5.00 s: KeyError in tool ask; 1 request, 0 tool calls, $0.50; began 1970-01-01 00:00:00 UTC',
    ]
    trees = RunTrees()
    tree = next(tree for record in RECORDS if (tree := trees.add(record)) is not None)
    assert f'{step_grid(tree)}\n' == table
    assert [(row[0], row[-1]) for row in step_grid(tree).rows] == [
        ('boss', 'error KeyError'),
        ('  p:m', 'success'),
        ('  tool ask', 'error KeyError'),
        ('    helper', 'success'),
        ('      p:m', 'success, 12.50 s stalled'),
        ("      the provider's search", 'success'),
    ]
    assert step_grid(tree).rows[0][:8] == ('boss', '0 ms', '5.00 s', '-', '-', '600', '0', '$0.50')


def test_a_run_that_another_called_can_be_looked_at(path: Path, capsys: pytest.CaptureFixture[str]):
    """Its steps begin with itself."""
    assert main(['report', str(path), '--run', 'inner']) == 0
    out = capsys.readouterr().out
    assert 'It was called by another run: nobody saw a blank screen, so there is no time of one.' in out
    assert 'helper, success after 2.00 s' in out
    assert 'ask' not in out


def test_programs_get_the_same_steps(path: Path, capsys: pytest.CaptureFixture[str]):
    """In JSON beside the summary, in CSV alone."""
    assert main(['report', str(path), '--run', 'outer', '--format', 'json']) == 0
    found = json.loads(capsys.readouterr().out)
    assert found['chosen']['run'] == 'outer'
    assert [(step['depth'], step['kind'], step['name'], step['start']) for step in found['steps']] == [
        (0, 'run', 'boss', 0.0),
        (1, 'request', 'p:m', 1e-09),
        (1, 'tool', 'ask', 2.4),
        (2, 'run', 'helper', 2.5),
        (3, 'request', 'p:m', 3.0),
        (3, 'tool', 'search', 3.1),
    ]
    assert main(['report', str(path), '--run', 'outer', '--format', 'csv']) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row['name'], row['error_type']) for row in rows[2:4]] == [('ask', 'KeyError'), ('helper', '')]


def test_the_page_has_its_waterfall_and_its_steps(path: Path, capsys: pytest.CaptureFixture[str]):
    """And no other run."""
    assert main(['report', str(path), '--run', 'outer', '--format', 'html']) == 0
    page = capsys.readouterr().out
    assert page.count('<article>') == 1
    assert '<h2>The run</h2>' in page
    assert '<h2>Its steps</h2>' in page
    assert 'The slowest runs' not in page


def test_a_call_that_was_made_again_and_a_full_context_are_marked():
    """In words in the table, with a mark and words in the picture; the verdict says that it was a loop."""
    tree = RunTree(
        run(duration=3.0, loops=LoopRecord(calls=1, seconds=2.0, tokens=5)),
        [
            full_response(context_window=1000, context_tokens=857, stalls=0, stall_seconds=0.0),
            tool(tool='search', repeated=True, duration=2.0),
            tool(tool='read', step=2),
        ],
    )
    assert about(tree).startswith('a, success after 3.00 s: in a loop: tool search again once; ')
    rows = step_grid(tree).rows
    place = list(step_grid(tree).headings).index('context')
    assert [(row[0].strip(), row[place], row[-1]) for row in rows] == [
        ('a', '-', 'success'),
        ('p:m', '85.7%', 'success'),
        ('tool search', '-', 'success, the same call again'),
        ('tool read', '-', 'success'),
    ]
    assert [(each['context_used'], each['repeated']) for each in step_data(tree)] == [
        (None, None),
        (0.857, None),
        (None, True),
        (None, False),
    ]
    drawn = waterfall(tree)
    marks = [each for each in drawn.iter('text') if each.get('class') == 'again']
    assert [(mark.text, [title.text for title in mark]) for mark in marks] == [('↻', ['the same call again'])]
    titles = [title.text for title in drawn.iter('title')]
    assert 'function tool search: 2.00 s, the same call again' in titles
    assert 'p:m: 400 ms to the first token, context 85.7%' in titles
    assert any(each.text == 'context 85.7%' for each in drawn.iter('text'))


def test_a_waterfall_makes_room_for_a_long_name():
    """Of 40 letters, which is whole, as are 53; one for which a phone has no room loses its middle."""
    name = 'check_warehouse_stock_and_delivery_dates'
    tree = RunTree(
        run(), [tool(tool=name), tool(tool=f'{name}_of_countries'), tool(tool=f'{name}_of_all_countries')], 3, 3
    )
    shown = [each.text for each in waterfall(tree).iter('text') if each.get('class') == 'label']
    assert shown == [name, f'{name}_of_countries', 'check_warehouse_stock_and_…ery_dates_of_all_countries']


def test_an_interrupted_tool_is_drawn_to_the_end_of_its_run():
    """In every format it took the time until then; a call that never ran is named where it was asked for."""
    tree = RunTree(
        run(duration=4.0, outcome='cancelled', phases={'wait': 1.0, 'tools': 3.0}),
        [
            tool(tool='denied', started_ns=1000 * MS, duration=None, outcome='denied'),
            tool(tool='fast', started_ns=1000 * MS, duration=0.5),
            tool(tool='slow', started_ns=1000 * MS, duration=None, outcome='interrupted'),
        ],
    )
    assert 'cancelled in tool slow; 75 % tool slow; ' in about(tree)
    assert [(row[0].strip(), row[2], row[-1]) for row in step_grid(tree).rows[1:]] == [
        ('tool denied', '-', 'denied'),
        ('tool fast', '500 ms', 'success'),
        ('tool slow', '3.00 s', 'interrupted'),
    ]
    assert [each['duration'] for each in step_data(tree)] == [4.0, None, 0.5, 3.0]
    drawn = waterfall(tree)
    bars = {each[0].text: each for each in drawn.iter('rect')}
    fast, slow = bars['function tool fast: 500 ms'], bars['function tool slow: 3.00 s; interrupted']
    assert (slow.get('class'), slow.get('x')) == ('bar interrupted', fast.get('x'))
    assert float(slow.get('width', 0)) == pytest.approx(6 * float(fast.get('width', 0)), rel=0.01)
    notes = {each.text: float(each.get('x', 0)) for each in drawn.iter('text') if 'start' in (each.get('class') or '')}
    assert notes['denied'] == pytest.approx(float(fast.get('x', 0)) + 6, abs=0.1)
    assert notes['interrupted'] > float(slow.get('x', 0)) + float(slow.get('width', 0))


@pytest.mark.parametrize('shape', [WIDE, NARROW], ids=['wide', 'narrow'])
def test_a_failure_is_marked_when_it_happened(shape: Shape):
    """At the end of the request, also where its last chunk came long before: the time between is drawn as a line."""
    text = PartRecord(index=0, kind='text', tool=None, tool_call_id=None, start=0.4, duration=0.1, chunks=5)
    written = {'parts': (text,), 'time_to_first_token': 0.4, 'stalls': 0, 'stall_seconds': 0.0}
    timed_out = full_response(duration=2.5, outcome='timeout', **written)
    refused = response(
        started_ns=2500 * MS, duration=0.401, outcome='error', error_type='ModelHTTPError_503', streamed=True
    )
    drawn = waterfall(RunTree(run(duration=4.0, outcome='timeout'), [timed_out, refused], 2, 2), shape)
    bars = {each[0].text: each for each in drawn.iter('rect')}
    assert list(bars)[1:] == [
        'p:m: 400 ms to the first token; timeout after 2.50 s',
        'text: 100 ms, 5 chunks, from 400 ms on',
        'p:m: nothing for the last 2.00 s; timeout after 2.50 s',
        'p:m: 401 ms without a token; ModelHTTPError_503',
    ]
    ends = [float(bar.get('x', 0)) + float(bar.get('width', 0)) for bar in bars.values()]
    marks = [float(each.get('x1', 0)) for each in drawn.iter('line') if each.get('class') == 'failed']
    assert marks == pytest.approx([ends[0], ends[3], ends[4]], abs=0.02)


def test_on_a_phone_names_and_numbers_stand_above_the_bars():
    """Nothing has to be scrolled: each row has its name, how it ended and how long it took above its bar."""
    tree = RunTree(
        run(duration=4.0), [tool(tool='find_order', outcome='error', error_type='KeyError', duration=0.5)], 1, 1
    )
    drawn = waterfall(tree, NARROW)
    texts = [(each.text, each.get('y')) for each in drawn.iter('text') if 'tick' not in (each.get('class') or '')]
    assert texts == [('a', '30'), ('4.00 s', '30'), ('find_order', '64'), ('KeyError  500 ms', '64')]
    assert [each.get('y') for each in drawn.iter('rect')] == ['39.5', '69']
    assert all(float(each.get('x', 0)) + float(each.get('width', 0)) <= NARROW.width for each in drawn.iter('rect'))


def test_on_a_phone_how_a_request_ended_stands_below_a_long_name():
    """So that two models whose names differ in their middle can be told apart."""
    names = 'chat-large-2026-10-01-europe', 'chat-small-2026-10-01-europe'
    failed = {'outcome': 'error', 'error_type': 'ModelHTTPError_503', 'duration': 0.3, 'streamed': True}
    tree = RunTree(run(duration=4.0), [response(model=name, **failed) for name in names], 2, 2)
    drawn = waterfall(tree, NARROW)
    texts = [(each.text, each.get('y')) for each in drawn.iter('text') if 'tick' not in (each.get('class') or '')]
    assert texts[2:] == [
        ('p:chat-large-2026-10-01-europe', '64'),
        ('ModelHTTPError_503  300 ms', '77'),
        ('p:chat-small-2026-10-01-europe', '111'),
        ('ModelHTTPError_503  300 ms', '124'),
    ]


def test_what_was_not_kept_is_said():
    """A run of many thousand steps is shown in part."""
    tree = RunTree(run(), [tool()], 1, 1, 7)
    assert len(step_grid(tree).rows) == 2
    assert left_out(tree) == '7 more requests, tool calls and nested runs are not shown.'
    assert left_out(RunTree(run())) == ''


@pytest.mark.parametrize(
    ('asked', 'others', 'told'),
    [
        ('run-', [], 'only run run-1, and all that it called'),
        ('run-1', ['run-10'], 'only run run-1, and all that it called'),
        ('run-', ['run-2'], 'streamtap report: --run run-: several runs begin so: run-1, run-2'),
        (
            'run-',
            [f'run-{number}' for number in range(2, 9)],
            'streamtap report: --run run-: several runs begin so: run-1, run-2, run-3, run-4, run-5 and more',
        ),
    ],
)
def test_the_beginning_of_its_id_is_enough(
    asked: str, others: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """If no other id begins so; a whole id is that run's, whatever others begin with it. Its labels stand beside it."""
    path = tmp_path / 'j'
    records = [run(run_id=run_id, labels={'tenant': 'acme'}) for run_id in ('run-1', *others)]
    path.write_bytes(b'no record\n' + b''.join(map(record_line, records)))
    status = main(['report', str(path), '--run', asked])
    out, err = capsys.readouterr()
    assert told in (out + err).splitlines()
    assert status == (2 if 'several' in told else 1)
    assert err.count('no record') <= 1
    assert status == 2 or '\na with tenant=acme, success after' in out


@pytest.mark.parametrize(
    ('arguments', 'why'),
    [
        (['{j}', '--run', 'outerr'], '--run outerr: no record is of this run. Did you mean outer?'),
        (
            ['{j}', '--run', 'out'],
            '--run out: no record is of this run. Write its id, or at least 4 characters of its beginning',
        ),
        (['--compare', '{j}', '{j}', '--run', 'outer'], '--run reports one run: name its journal, without --compare'),
    ],
)
def test_it_must_be_there(arguments: list[str], why: str, path: Path, capsys: pytest.CaptureFixture[str]):
    """And a comparison is of many."""
    assert main(['report', *(each.format(j=path) for each in arguments)]) == 2
    assert capsys.readouterr().err == f'streamtap report: {why}\n'


def test_the_waterfall_shows_the_queue():
    """From the start of a run, also of one that another called."""
    called = RunTree(run(agent='helper', started_ns=1000 * MS, duration=2.0, phases={'queue': 1.5, 'wait': 0.5}))
    drawn = waterfall(RunTree(run(phases={'queue': 0.5, 'wait': 3.5}), [called]))
    bars = [each for each in drawn.iter('rect') if each.get('class') == 'bar queue']
    assert [[title.text for title in bar] for bar in bars] == [
        ['500 ms in the queue'],
        ['1.50 s in the queue'],
    ]


def test_a_run_of_which_no_response_reported_its_tokens_shows_none():
    """Its only request was refused: what it used is not known, and not 0; a run that reported nothing out used 0."""
    refused = response(outcome='error', error_type='ModelHTTPError_503')
    tree = RunTree(run(requests=1, outcome='error', error_type='ModelHTTPError_503'), [refused])
    assert [row[5:7] for row in step_grid(tree).rows] == [('-', '-')] * 2
    assert [(each['input_tokens'], each['output_tokens']) for each in step_data(tree)] == [(None, None)] * 2
    assert step_grid(RunTree(run(requests=1, input_tokens=7))).rows[0][5:7] == ('7', '0')


def test_the_wait_for_a_slot_is_a_step():
    """The first one of a run that had to wait, so that nothing is missing before its first request."""
    queued = run(run_id='in', agent='helper', started_ns=4000 * MS, duration=2.0, phases={'queue': 1.5})
    tree = RunTree(
        run(duration=6.0, phases={'queue': 3.95}), [response(started_ns=3950 * MS), RunTree(queued), tool(started_ns=0)]
    )
    rows = [(row[0], row[1], row[2], row[-1]) for row in step_grid(tree).rows]
    assert rows[:2] == [('a', '0 ms', '6.00 s', 'success'), ('  queue', '0 ms', '3.95 s', '-')]
    assert ('      queue', '4.00 s', '1.50 s', '-') in rows
    steps = [{name: value for name, value in each.items() if value is not None} for each in step_data(tree)]
    assert steps[1] == {
        'depth': 1, 'kind': 'queue', 'name': 'queue', 'run_id': 'r', 'start': 0.0, 'duration': 3.95
    }  # fmt: skip
    assert len({tuple(each) for each in step_data(tree)}) == 1
    assert 'queue' not in str(step_grid(RunTree(run(phases={'queue': 0.001}))))


def test_a_context_is_told_from_half_full_on(path: Path, capsys: pytest.CaptureFixture[str]):
    """By one rule: in steps, at the bars of a waterfall, in the headline of a page, and in tables; data has it always."""
    found: list[tuple[bool, bool, bool, bool]] = []
    for tokens in (1, 499, 500):
        record = full_response(context_window=1000, context_tokens=tokens, stalls=0, stall_seconds=0.0)
        tree = RunTree(run(duration=3.0), [record])
        path.write_bytes(b''.join(map(record_line, (record, tree.run))))
        assert main(['report', str(path), '--format', 'html']) == 0
        page = capsys.readouterr().out
        assert main(['report', str(path), '--format', 'markdown']) == 0
        notes = [each.text for each in waterfall(tree).iter('text') if 'note start' in (each.get('class') or '')]
        found.append(
            (
                'context' in step_grid(tree).headings,
                f'context {tokens / 1000:.1%}' in notes,
                'fullest context' in page,
                'context p95' in capsys.readouterr().out,
            )
        )
        assert next(each['context_used'] for each in step_data(tree) if each['kind'] == 'request') == tokens / 1000
    assert found == [(False,) * 4, (False,) * 4, (True,) * 4]


@pytest.mark.parametrize('error', ['KeyError', 'UnexpectedModelBehavior', f'Unexpected{"X" * 40}Behavior'])
def test_the_reason_of_a_failure_has_room_behind_its_bars(error: str):
    """In the widest of common fonts; one that is longer than there is room for loses its middle."""
    refused = full_response(outcome='error', error_type=error, duration=4.0, stalls=0, stall_seconds=0.0)
    drawn = waterfall(RunTree(run(duration=4.0, outcome='error', error_type=error), [refused]))
    texts = [(each.text or '', float(each.get('x', ''))) for each in drawn.iter('text')]
    ((note, begins),) = (each for each in texts if each[0].startswith(error[:8]))
    assert note == (error if len(error) < 40 else f'Unexpected{"X" * 10}…{"X" * 11}Behavior')
    assert begins + 6.4 * len(note) <= 1160
