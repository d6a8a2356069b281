"""`streamtap report`: what it prints, writes and refuses, and whether its figures hold."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import random
import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from streamtap import FailureRecord, UsageSink, UsageSummary
from streamtap._cli import main
from streamtap._display.rounding import rounded
from streamtap._records.run_tree import RunTree
from streamtap._report.compare import compare
from streamtap._report.over_time import Slot, Slots, scale, slots
from streamtap._report.quantities import BLANK_SCREEN, FIRST_TOKEN, RUN_DURATION, SPEED, TOOL_DURATION
from streamtap._report.run_trees import MAX_PIECES, MAX_UNFINISHED, RunTrees
from streamtap._report.samples import ALL, Samples
from streamtap._report.slowest import SlowestRuns
from streamtap._report.statistics import Estimate, quantile, share
from streamtap._report.waterfall import waterfall
from streamtap._sinks.journal.lines import header_line, record_line
from support.made_records import failed_run, full_response, read_run, run, tool
from support.random_journals import Work

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HOSTILE = '<script>alert(1)</script>"\x1b[2J\n=1+1'


def journal(path: Path, *records: Any, torn: bytes = b'') -> Path:
    path.write_bytes(header_line() + b''.join(map(record_line, records)) + torn)
    return path


def some_runs(count: int, *, duration: float = 4.0, agent: str = 'a') -> list[Any]:
    """Runs with a response and a tool call each; their durations lie a little apart."""
    return [
        record
        for number in range(count)
        for record in (
            full_response(run_id=f'{agent}{number}', agent=agent, started_ns=number * 10**9),
            tool(run_id=f'{agent}{number}', agent=agent, started_ns=number * 10**9),
            run(run_id=f'{agent}{number}', agent=agent, duration=duration + number / 1000, started_ns=number * 10**9),
        )
    ]


def summary_of(records: list[Any]) -> UsageSummary:
    sink = UsageSink()
    for record in records:
        getattr(
            sink, {'RunRecord': 'run_ended', 'ToolRecord': 'tool_ended'}.get(type(record).__name__, 'response_ended')
        )(record)
    return sink.summary()


class Page(HTMLParser):
    """The elements, texts and links of a page, as a browser would see them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_table_is_the_usage_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The same figures as `tap.usage` had, below a line that says of what and of when; then the slowest runs."""
    records = [*some_runs(3), run(agent='b')]
    path = journal(tmp_path / 'j', *records)
    assert main(['report', str(path)]) == 0
    heading, _, tables = capsys.readouterr().out.partition('\n\n')
    assert heading == f'{path}: 4 runs, $0.75, 1970-01-01 00:00:00 to 00:00:06 UTC'
    shown = [str(grid) for grid in summary_of(records).grids()]
    *grids, slowest, notes = tables.rstrip().split('\n\n')
    assert grids == shown
    assert slowest.startswith('slowest run ')
    assert notes.splitlines() == summary_of(records).notes()


def test_json_gives_the_cost_of_each_agent(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """And all else of the summary."""
    records = [*some_runs(1, agent='dear'), *some_runs(1, agent='dear'), run(agent='free')]
    assert main(['report', str(journal(tmp_path / 'j', *records)), '--format', 'json']) == 0
    out = capsys.readouterr().out
    assert {row['agent']: row['cost_usd'] for row in json.loads(out)['agents']} == {'dear': 0.5, 'free': None}
    whole = rounded(summary_of(records).model_dump(mode='json'))
    assert UsageSummary.model_validate_json(out) == UsageSummary.model_validate(whole)


def test_csv_has_a_row_for_everybody_agent_model_and_tool(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """And no name in it is a formula."""
    records = [*some_runs(2), tool(tool='=1+1')]
    assert main(['report', str(journal(tmp_path / 'j', *records)), '--format', 'csv']) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row['scope'], row['name'], row['runs'], row['requests'], row['calls']) for row in rows] == [
        ('all', '', '2', '2', ''),
        ('agent', 'a', '2', '2', ''),
        ('model', 'p:m', '', '2', ''),
        ('tool', 'a/=1+1', '', '', '1'),
        ('tool', 'a/t', '', '', '2'),
    ]
    records = [run(agent='=1+1')]
    assert main(['report', str(journal(tmp_path / 'j', *records)), '--format', 'csv']) == 0
    assert "agent,'=1+1," in capsys.readouterr().out


@pytest.mark.parametrize(
    ('name', 'arguments', 'begins'),
    [
        ('r.html', [], '<!doctype html>'),
        ('r.JSON', [], '{'),
        ('r.csv', [], 'scope,name,'),
        ('r.md', [], '`'),
        ('r.txt', [], ''),
        ('r.html', ['--format', 'csv'], 'scope,name,'),
    ],
)
def test_a_file_has_the_format_of_its_ending(name: str, arguments: list[str], begins: str, tmp_path: Path):
    """Unless another one is asked for; with any other ending it has the tables."""
    path = journal(tmp_path / 'j', run())
    assert main(['report', str(path), '-o', str(tmp_path / name), *arguments]) == 0
    assert (tmp_path / name).read_text(encoding='utf-8').startswith(begins or f'{path}: 1 run')


@pytest.mark.parametrize('arguments', [['--format', 'html', '{j}'], ['--format', 'html', '--compare', '{j}', '{j}']])
def test_a_page_needs_nothing_and_runs_nothing(arguments: list[str], tmp_path: Path):
    """No script, no address, a policy that allows none, and whatever a name holds is text."""
    named: dict[str, Any] = {'agent': HOSTILE, 'run_id': HOSTILE}
    path = journal(
        tmp_path / 'j', full_response(**named, model=HOSTILE), tool(**named, tool=HOSTILE), failed_run(**named)
    )
    written = tmp_path / 'page.html'
    assert main(['report', '-o', str(written), *(each.format(j=path) for each in arguments)]) == 0
    page = Page(written.read_text(encoding='utf-8'))
    assert not page.tags & {'script', 'link', 'img', 'iframe', 'object'}
    assert not {name for name, _ in page.attributes if name.startswith('on') or name in ('href', 'src', 'style')}
    (policy,) = (value for name, value in page.attributes if name == 'content' and 'default-src' in (value or ''))
    css = max(page.texts, key=len)
    assert base64.b64encode(hashlib.sha256(css.encode()).digest()).decode() in (policy or '')
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'; form-action 'none'", policy or ''
    )
    assert any('<script>alert(1)</script>' in text for text in page.texts)
    assert not any('\x1b' in text for text in page.texts)


def test_the_page_draws_the_slowest_runs_with_what_they_called(tmp_path: Path):
    """A nested run stands inside the run that called it, a failure and a stall are marked."""
    path = journal(
        tmp_path / 'j',
        full_response(run_id='inner', agent='inner', stall_starts=(0.7,), started_ns=2),
        run(run_id='inner', parent_run_id='outer', agent='inner', duration=2.0, started_ns=1),
        tool(run_id='outer', tool='ask', outcome='error', error_type='ValueError'),
        run(run_id='outer', agent='outer', duration=3.0),
    )
    written = tmp_path / 'page.html'
    assert main(['report', str(path), '--format', 'html', '-o', str(written)]) == 0
    text = written.read_text(encoding='utf-8')
    assert text.count('<article>') == 1
    rows = re.findall(r'<text [^>]*class="label[^"]*">([^<]+)<', text)
    assert rows[:4] == ['outer', 'ask', 'inner', 'p:m']
    assert 'a stall begins 700 ms after the start of the run' in text
    assert '750 ms; ValueError' in text
    assert 'tool t:' not in text


def test_the_page_says_how_many_runs_failed_and_apart_from_them_how_many_were_cancelled(tmp_path: Path):
    """Nothing is said of cancelled runs if there are none."""
    written = tmp_path / 'page.html'
    for records, said in (
        ([failed_run(), run(outcome='cancelled'), run(outcome='cancelled')], '1 failed, 2 cancelled'),
        ([failed_run()], '1 failed'),
    ):
        path = journal(tmp_path / said, *records)
        assert main(['report', str(path), '--format', 'html', '-o', str(written)]) == 0
        assert f'<small> {said}</small>' in written.read_text(encoding='utf-8')


def test_the_page_marks_when_the_reader_had_its_first_item(tmp_path: Path):
    """The model's text may have been there long before."""
    written = tmp_path / 'page.html'
    path = journal(tmp_path / 'j', full_response(), read_run())
    assert main(['report', str(path), '--format', 'html', '-o', str(written)]) == 0
    text = written.read_text(encoding='utf-8')
    assert 'the reader has its first item 2.50 s after the start of the run' in text


def test_what_is_broken_is_reported_and_the_rest_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """On stderr with file and line, and by the exit status."""
    path = journal(tmp_path / 'j', *some_runs(2), torn=b'{"record":"run","ru')
    assert main(['report', str(path), str(tmp_path / 'nowhere'), '--format', 'json']) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)['total']['runs'] == 2
    assert told.err.splitlines() == [
        f'streamtap report: {path}:8: not JSON: EOF while parsing a string at column 19 (truncated?)',
        f'streamtap report: {tmp_path / "nowhere"}: No such file or directory',
    ]


NO_JOURNAL = 'not a journal: none of its lines is a record (line 1: not JSON: expected value at column 1)'


@pytest.mark.parametrize('engine', ['python', 'duckdb'])
def test_a_file_that_is_no_journal_is_one_error(tmp_path: Path, capsys: pytest.CaptureFixture[str], engine: str):
    """Alone, and beside a journal, which is reported."""
    path = tmp_path / 'notes.txt'
    path.write_text('hello\n' * 500, encoding='utf-8')
    assert main(['report', str(path), '--engine', engine]) == 2
    assert capsys.readouterr().err == f'streamtap report: {path}: {NO_JOURNAL}\n'
    good = journal(tmp_path / 'j', *some_runs(2))
    assert main(['report', str(path), str(good), '--engine', engine, '--format', 'json']) == 1
    told = capsys.readouterr()
    assert told.err == f'streamtap report: {path}: {NO_JOURNAL}\n'
    assert json.loads(told.out)['total']['runs'] == 2


@pytest.mark.parametrize('engine', ['python', 'duckdb'])
def test_of_many_broken_lines_some_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str], engine: str):
    """One by one, and how many more there are."""
    path = journal(tmp_path / 'j', *some_runs(2), torn=b'hello\n' * 500)
    assert main(['report', str(path), '--engine', engine]) == 1
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 21
    assert err[0] == f'streamtap report: {path}:8: not JSON: expected value at column 1'
    assert err[-1] == f'streamtap report: {path}: 480 more lines are broken'


def test_a_journal_of_a_later_streamtap_is_a_journal(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Its header says why it cannot be read."""
    path = tmp_path / 'j'
    path.write_bytes(b'{"record":"journal","schema":9}\n{"record":"walk"}\n')
    assert main(['report', str(path)]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f'streamtap report: {path}:1: what follows has schema 9, and this streamtap reads 1',
        f'streamtap report: {path}: no run, response or tool call to report',
    ]


def test_rotated_files_patterns_and_stdin_are_read_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """However they are named, and however often."""
    journal(tmp_path / 'j.1', run(run_id='old'))
    path = journal(tmp_path / 'j', run(run_id='new'))
    stdin = io.TextIOWrapper(io.BytesIO(record_line(run(run_id='piped'))))
    monkeypatch.setattr('sys.stdin', stdin)
    assert main(['report', str(path), f'{tmp_path}/j*', '-', '--format', 'json']) == 0
    runs = json.loads(capsys.readouterr().out)['recent_runs']
    assert sorted(found['run_id'] for found in runs) == ['new', 'old', 'piped']


def test_two_journals_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Counts, medians, p95, the change, and whether it is clear."""
    before = journal(tmp_path / 'before', *some_runs(200))
    after = journal(tmp_path / 'after', *some_runs(30, duration=6.0))
    assert main(['report', '--compare', str(before), str(after), '--format', 'json']) == 0
    rows = {(row['quantity'], row['scope']): row for row in json.loads(capsys.readouterr().out)}
    assert rows['duration of a run', 'agent'] == {
        'quantity': 'duration of a run', 'scope': 'agent', 'name': 'a', 'n_before': 200, 'n_after': 30,
        'p50_before': 4.099, 'p50_after': 6.014, 'p50_change': pytest.approx(0.467, abs=0.001), 'p50_verdict': 'worse',
        'p95_before': 4.189, 'p95_after': 6.028, 'p95_change': pytest.approx(0.439, abs=0.001), 'p95_verdict': 'worse',
    }  # fmt: skip
    assert rows['time to first token', 'all']['p50_verdict'] == 'no clear change'
    assert main(['report', '--compare', str(before), str(after)]) == 0
    out = capsys.readouterr().out
    assert re.search(r'^duration of a run .*\n-.*\nall +200 +30 +4\.10 s +6\.01 s +\+47% +worse', out, re.MULTILINE)
    assert main(['report', '--compare', str(before), str(after), '--format', 'csv']) == 0
    assert 'duration of a run,agent,a,200,30,4.099,6.014,' in capsys.readouterr().out


def test_a_report_and_a_comparison_say_the_same_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """To the last digit: both are exact."""
    path = journal(tmp_path / 'j', *Work(runs=60).journal(seed=3))
    assert main(['report', '--compare', str(path), str(path), '--format', 'json']) == 0
    compared = {
        (row['quantity'], row['scope'], row['name']): (row['p50_before'], row['p95_before'])
        for row in json.loads(capsys.readouterr().out)
        if 'p50_before' in row
    }
    assert main(['report', str(path), '--format', 'json']) == 0
    found = json.loads(capsys.readouterr().out)
    owners = [
        ('all', '', found['total']),
        *(('agent', each['agent'], each) for each in found['agents']),
        *(('model', f'{each["provider"]}:{each["model"]}', each) for each in found['models']),
        *(('tool', f'{each["agent"]}/{each["tool"]}', each) for each in found['tools']),
    ]
    same = 0
    for quantity, field in (
        (BLANK_SCREEN, 'time_to_first_output'),
        (RUN_DURATION, 'run_duration'),
        (FIRST_TOKEN, 'time_to_first_token'),
        (SPEED, 'output_tokens_per_second'),
        (TOOL_DURATION, 'duration'),
    ):
        for scope, name, figures in owners:
            if (quantity.title, scope, name) in compared and f'{field}_p50' in figures:
                p50, p95 = compared[quantity.title, scope, name]
                assert figures[f'{field}_p50'] == p50
                # A comparison shows it from 20 values on.
                assert p95 in (None, figures[f'{field}_p95'])
                same += 1
    assert same >= 10


def test_few_values_prove_nothing():
    """A tenfold change of three runs is shown, and not called one."""
    before, after = Samples(), Samples()
    for number in range(3):
        before.add(run(duration=1.0 + number))
        after.add(run(duration=10.0 + number))
    (change,) = (each for each in compare(before, after) if each.quantity is RUN_DURATION and each.scope == 'all')
    assert (change.count_before, change.count_after, change.typical.change(RUN_DURATION)) == (3, 3, 4.5)
    assert change.verdict == 'too few to tell'
    assert (change.high.before, change.high.after) == (None, None)


def test_higher_is_better_where_it_is():
    """More tokens per second are an improvement, more failures are none."""
    before, after = Samples(), Samples()
    for number in range(100):
        before.add(full_response(run_id=str(number), output_tokens_per_second=50 + number / 100))
        after.add(full_response(run_id=str(number), output_tokens_per_second=60 + number / 100, outcome='error'))
    verdicts = {change.quantity.title: change.verdict for change in compare(before, after) if change.scope == 'all'}
    assert verdicts == {
        'time to first token': 'no clear change',
        'output tokens per second': 'better',
        'requests that failed': 'worse',
    }


@pytest.mark.parametrize(('count', 'q'), [(6, 0.5), (25, 0.5), (200, 0.5), (200, 0.95), (1000, 0.95)])
def test_the_interval_of_a_quantile_holds_the_true_one(count: int, q: float):
    """In about 95 of 100 samples of a skewed distribution, however small they are."""
    chance = random.Random(7)
    true = quantile(sorted(chance.expovariate(1.0) for _ in range(400_001)), q)
    assert true is not None
    held = 0
    for _ in range(1000):
        found = quantile(sorted(chance.expovariate(1.0) for _ in range(count)), q)
        held += found is not None and found.low <= true.value <= found.high
    assert held >= 930


def test_few_values_set_no_end_to_the_interval():
    """On the side on which they are too few."""
    found = quantile([float(number) for number in range(1, 21)], 0.95)
    assert found is not None
    assert (found.value, found.high) == (19.0, float('inf'))
    assert found.low > 0
    assert quantile([1.0, 2.0, 3.0, 4.0], 0.5) == Estimate(2.0, float('-inf'), float('inf'))
    assert quantile([], 0.5) is None


def test_a_share_is_never_certain():
    """No failure among ten is not none at all."""
    none, some = share([0.0] * 10), share([0.0, 1.0])
    assert none is not None
    assert some is not None
    assert (none.value, none.low, round(none.high, 2)) == (0.0, 0.0, 0.31)
    assert (some.value, round(some.low, 2), round(some.high, 2)) == (0.5, 0.01, 0.99)
    assert share([]) is None


def slowest(count: int, records: Iterable[Any]) -> list[RunTree]:
    trees, found = RunTrees(), SlowestRuns(count)
    for record in records:
        if (tree := trees.add(record)) is not None:
            found.add(tree)
    return found.trees()


def test_the_slowest_runs_are_found_in_bounded_memory():
    """Whole, whatever number of runs never end, and however much one of them did."""
    records = [
        *(tool(run_id=f'lost {number}') for number in range(MAX_UNFINISHED + 100)),
        *(tool(run_id='long') for _ in range(MAX_PIECES + 5)),
        *(run(run_id=name, duration=duration) for name, duration in (('short', 1.0), ('long', 9.0), ('middle', 5.0))),
    ]
    trees = slowest(2, records)
    assert [(tree.run.run_id, len(tree.pieces), tree.left_out) for tree in trees] == [
        ('long', MAX_PIECES, 5),
        ('middle', 0, 0),
    ]
    assert isinstance(trees[0], RunTree)


def test_the_slowest_runs_say_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """In tables and in data: what most of the time was spent on, and how those ended that did not succeed."""
    path = journal(
        tmp_path / 'j',
        tool(run_id='slow', tool='search', duration=9.0),
        run(run_id='slow', duration=10.0, phases={'tools': 9.0, 'other': 1.0}, trace_id='t', labels={'tenant': 'acme'}),
        tool(run_id='bad', tool='lookup', outcome='error', error_type='KeyError'),
        failed_run(
            run_id='bad',
            error_type='KeyError',
            duration=5.0,
            phases={'wait': 4.0, 'tools': 1.0},
            failure=FailureRecord(agent='a', error='KeyError', place='tool', name='lookup', step=1),
        ),
        run(run_id='short', duration=1.0),
    )
    assert main(['report', str(path), '--format', 'json']) == 0
    first, second, third = json.loads(capsys.readouterr().out)['slowest']
    assert first == {
        'run_id': 'slow', 'agent': 'a', 'labels': {'tenant': 'acme'}, 'began': '1970-01-01T00:00:00Z', 'duration': 10.0,
        'outcome': 'success', 'why': '90 % tool search', 'trace_id': 't',
    }  # fmt: skip
    failed = 'error: KeyError in tool lookup'
    assert (second['why'], third['why']) == (f'{failed}; 80 % waiting for the model', 'success')
    assert main(['report', str(path)]) == 0
    _, _, table = capsys.readouterr().out.partition('slowest run ')
    rows = [re.split(r'\s{2,}', line) for line in table.splitlines()[2:5]]
    assert rows == [
        ['a slow', '10.00 s', '01-01 00:00:00', 'tenant=acme', '90 % tool search', '-'],
        ['a bad', '5.00 s', '01-01 00:00:00', '-', '80 % waiting for the model', failed],
        ['a short', '1.00 s', '01-01 00:00:00', '-', '-', '-'],
    ]
    assert main(['report', str(path), '--run', 'bad']) == 0
    assert 'error after 5.00 s: KeyError in tool lookup; 80 % waiting for the model;' in capsys.readouterr().out


def test_what_nested_runs_did_counts_for_the_run_that_called_them():
    """However deeply they are nested: they are drawn as far as they are kept, and the others are counted."""
    deep = [
        record
        for number in range(MAX_PIECES + 20)
        for record in (tool(run_id=str(number)), run(run_id=str(number), parent_run_id=str(number + 1)))
    ]
    (tree,) = slowest(1, [*deep, run(run_id=str(MAX_PIECES + 20))])
    everything = 2 * (MAX_PIECES + 20)
    assert tree.count <= MAX_PIECES
    assert tree.count + tree.left_out == everything
    assert 20 < len(list(waterfall(tree).iter('rect'))) == 1 + tree.count


def test_runs_that_never_end_are_forgotten_by_what_they_hold(monkeypatch: pytest.MonkeyPatch):
    """The oldest first: parts of responses count, and what has ended does not."""
    monkeypatch.setattr('streamtap._report.run_trees.MAX_KEPT', 10)
    parts = full_response().parts * 4
    trees = slowest(
        3,
        [
            *(full_response(run_id=str(number), parts=parts) for number in range(3)),
            *(run(run_id=str(number)) for number in range(3)),
        ],
    )
    assert [len(tree.pieces) for tree in sorted(trees, key=lambda tree: tree.run.run_id)] == [0, 1, 1]


def test_past_a_cap_names_are_others(monkeypatch: pytest.MonkeyPatch):
    """A journal of any number of agents makes a report of some."""
    monkeypatch.setattr('streamtap._report.samples.MAX_GROUPS', 2)
    samples = Samples()
    for name in 'abcda':
        samples.add(run(agent=name))
    counts = {name: len(samples.values(RUN_DURATION, 'agent', name)) for name in ('a', 'b', 'c', '_other')}
    assert counts == {'a': 2, 'b': 1, 'c': 0, '_other': 2}
    assert len(samples.values(RUN_DURATION, *ALL)) == 5


def test_values_are_put_into_slots_of_time():
    """As few as fit on the axis, and none where nothing was."""
    found = slots([(0.0, 1.0), (1.0, 3.0), (400.0, 2.0)], 0.95)
    assert found == Slots(10, [Slot(0.0, 2, 1.0, 3.0), Slot(400.0, 1, 2.0, 2.0)])
    assert slots([], 0.95) == Slots(1, [])
    assert slots([(0.0, 1.0), (1e9, 1.0)], 0.95).step == 86400 * 290


@pytest.mark.parametrize(
    ('greatest', 'top'), [(0.0, 1.0), (0.9, 1.0), (3.7, 4.0), (1234.0, 1500.0), (float('inf'), 1.0)]
)
def test_an_axis_ends_at_a_round_number(greatest: float, top: float):
    """Above what it shows."""
    assert scale(greatest)[0] == pytest.approx(top)


def test_samples_know_whose_they_are():
    """Everybody's, and one owner's."""
    samples = Samples()
    for record in some_runs(2):
        samples.add(record)
    assert list(samples.values(RUN_DURATION, *ALL)) == [4.0, 4.001]
    assert list(samples.values(TOOL_DURATION, 'tool', 'a/t')) == [0.75, 0.75]
    assert list(samples.values(BLANK_SCREEN, *ALL)) == []
    assert samples.timed(RUN_DURATION) == [(0.0, 4.0), (1.0, 4.001)]


def test_values_belong_to_the_outermost_run():
    """In order, each with its run; a journal in which runs called each other in a circle is no trouble."""
    samples = Samples()
    for name, caller, seconds in (('a', 'b', 3.0), ('b', 'c', 2.0), ('c', None, 1.0), ('x', 'y', 5.0), ('y', 'x', 4.0)):
        samples.add(tool(run_id=name, duration=seconds))
        samples.add(run(run_id=name, parent_run_id=caller))
    found = samples.sample(TOOL_DURATION, *ALL)
    assert found.values == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert found.runs[:3] == [hash('c')] * 3
    assert set(found.runs[3:]) <= {hash('x'), hash('y')}


def test_a_terminal_gets_tables_of_rich(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """With the same cells; a name is no markup."""
    path = journal(tmp_path / 'j', run(agent='[red]a[/]'))
    monkeypatch.setenv('COLUMNS', '200')
    monkeypatch.setattr('sys.stdout.isatty', lambda: True)
    assert main(['report', str(path)]) == 0
    rich = capsys.readouterr().out
    monkeypatch.setattr('sys.stdout.isatty', lambda: False)
    assert main(['report', str(path)]) == 0
    plain = capsys.readouterr().out
    assert '[red]a[/]' in plain
    assert cells(rich) == cells(plain)
    assert rich != plain


def cells(table: str) -> list[str]:
    return re.sub(r'\x1b\[[\d;]*m|[-\u2500]{2,}', ' ', table).split()


@pytest.mark.parametrize('form', ['html', 'json', 'csv', 'table'])
def test_on_a_console_of_few_characters_files_are_utf_8_and_tables_show_question_marks(form: str, tmp_path: Path):
    """As where Windows redirects standard output."""
    path = journal(tmp_path / 'j', run(agent='café → bar'))
    command = [sys.executable, '-m', 'streamtap', 'report', str(path), '--format', form]
    done = subprocess.run(command, capture_output=True, check=True, env={**os.environ, 'PYTHONIOENCODING': 'ascii'})
    if form == 'table':
        assert 'caf? ? bar' in done.stdout.decode('ascii')
    else:
        assert 'café → bar' in done.stdout.decode('utf-8').replace('\\u00e9', 'é').replace('\\u2192', '→')
