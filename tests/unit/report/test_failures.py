"""What failed and where, grouped, with runs as examples: in every format of the report."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

from streamtap import FailureRecord
from streamtap._cli import main
from streamtap._report.gathered import Gathered
from streamtap._sinks.journal.lines import record_line
from support.made_records import IDS, failed_run, response, run, tool

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
SECOND = 10**9


def failing(number: int, *, tool_name: str = 'lookup', **of_run: Any) -> list[Any]:
    """A run that fails in a tool, `number` seconds after the epoch, and in the step of that number."""
    why = FailureRecord(agent='a', error='KeyError', place='tool', name=tool_name, step=number)
    run_id = f'{tool_name} {number}'
    common: dict[str, Any] = {'run_id': run_id, 'started_ns': number * SECOND}
    return [
        response(**common),
        tool(**common, tool=tool_name, outcome='error', error_type='KeyError'),
        failed_run(**common, error_type='KeyError', duration=2.0, failure=why, **of_run),
    ]


def nested_failure() -> list[Any]:
    """A run of `boss` that fails because the model of the run that it called does."""
    error: dict[str, Any] = {'outcome': 'error', 'error_type': 'ModelHTTPError_500'}
    why = FailureRecord(agent='helper', error='ModelHTTPError_500', place='model', name='p:gpt', step=1)
    return [
        response(run_id='inner', agent='helper', model='gpt', **error),
        run(run_id='inner', parent_run_id='outer', agent='helper', duration=0.5, failure=why, **error),
        tool(run_id='outer', agent='boss', tool='ask', **error),
        run(run_id='outer', agent='boss', failure=why, **error),
    ]


def test_the_newest_run_of_each_of_the_most_frequent_is_drawn():
    """With how many it stands for."""
    records = [*nested_failure(), run(), run(outcome='cancelled'), *failing(9), *failing(1), *failing(5), *failing(7)]
    examples = Gathered(records, 'j').examples
    assert [(tree.run.run_id, runs) for tree, runs in examples] == [('lookup 9', 4), ('outer', 1)]


def test_what_is_drawn_is_bounded(monkeypatch: pytest.MonkeyPatch):
    """Nothing of it is lost from the counts."""
    monkeypatch.setattr('streamtap._report.failures.MOST_KINDS', 2)
    monkeypatch.setattr('streamtap._report.failures.MOST_HELD', 5)
    records = [record for number, name in enumerate('aabccc') for record in failing(number, tool_name=name)]
    found = Gathered(records, 'j')
    assert [(each.name, each.runs) for each in found.summary.failures] == [('c', 3), ('a', 2), ('b', 1)]
    assert [(tree.run.run_id, runs) for tree, runs in found.examples] == [('a 1', 2)]


def report(path: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    path.write_bytes(b''.join(map(record_line, [*failing(1), *failing(5, **IDS), *nested_failure()])))
    assert main(['report', str(path), *arguments]) == 0
    return capsys.readouterr().out


def test_every_format_has_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """As many as the report says have failed."""
    path = tmp_path / 'j'
    table = report(path, capsys)
    assert re.search(r'total +3 .* 3 error', table)
    _, _, shown = table.partition('\nfailure ')
    assert [re.split(r'\s{2,}', line) for line in shown.splitlines()[2:4]] == [
        ['KeyError', 'tool lookup', '1-5', 'a', '2', '01-01 00:00:03', '01-01 00:00:07', 'lookup 5'],
        ['ModelHTTPError_500', 'p:gpt', '1', 'helper', '1', '01-01 00:00:04', '01-01 00:00:04', 'outer'],
    ]
    data = {
        'agent': 'a',
        'error': 'KeyError',
        'place': 'tool',
        'name': 'lookup',
        'first_step': 1,
        'last_step': 5,
        'runs': 2,
        'first_seen': '1970-01-01T00:00:03Z',
        'last_seen': '1970-01-01T00:00:07Z',
        'run_ids': ['lookup 5', 'lookup 1'],
    }
    assert json.loads(report(path, capsys, '--format', 'json'))['failures'][0] == data
    rows = list(csv.DictReader(io.StringIO(report(path, capsys, '--format', 'csv'))))
    (row, _) = (row for row in rows if row['scope'] == 'failure')
    assert {name: row[name] for name in ('name', 'error', 'place', 'runs', 'run_ids')} == {
        'name': 'a',
        'error': 'KeyError',
        'place': 'tool lookup',
        'runs': '2',
        'run_ids': 'lookup 5 lookup 1',
    }
    assert '| `KeyError` | `tool lookup` | `1-5` | `a` | 2 |' in report(path, capsys, '--format', 'markdown')


def test_a_page_draws_one_run_of_each_and_links_to_its_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The verdict is in its heading; without a template there is no link."""
    path = tmp_path / 'j'
    link = ('--format', 'html', '--trace-url', 'https://traces.example.com/trace/{trace_id}?a=1&b=2')
    page = report(path, capsys, *link)
    (failed,) = re.findall(r'<section><h2>What failed</h2>.*?</section>', page, re.DOTALL)
    assert re.findall(r'<h3>(.*?)</h3>', failed) == [
        '<bdi>a</bdi>, 2.00 s, <span class="worse">error: <span class="whole">Key<wbr>Error</span> in tool lookup; '
        '<span class="whole">75 %</span> tool lookup</span>',
        '<bdi>boss</bdi>, 4.00 s, <span class="worse">error: <span class="whole">Model<wbr>HTTP<wbr>Error_<wbr>500</span> from '
        '<span class="whole">p:<wbr>gpt</span> (helper)</span>',
    ]
    assert (
        'one of 2 runs · 1970-01-01 00:00:05 UTC · 3 requests, 2 tool calls, $0.50 · run lookup 5 · trace <a ' in failed
    )
    address = f'https://traces.example.com/trace/{IDS["trace_id"]}?a=1&amp;b=2'
    assert f'<a href="{address}" rel="noreferrer">{IDS["trace_id"]}</a>' in failed
    assert 'href' not in report(path, capsys, '--format', 'html')


def test_where_nothing_failed_nothing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Of failures."""
    path = tmp_path / 'j'
    path.write_bytes(record_line(run()))
    for form in ('table', 'html', 'markdown'):
        assert main(['report', str(path), '--format', form]) == 0
        assert 'failure' not in capsys.readouterr().out.lower()


def test_a_page_says_of_which_kinds_it_draws_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """And how many kinds have none: the table has more kinds than there are pictures."""
    said: list[str] = []
    for kinds in (1, 3, 4, 6):
        path = tmp_path / str(kinds)
        runs = (failing(kind + 1, tool_name=f'tool{kind}') for kind in range(kinds))
        path.write_bytes(b''.join(record_line(record) for records in runs for record in records))
        assert main(['report', str(path), '--format', 'html']) == 0
        what = re.search(r'Runs that users asked for, by what ended them, and where\. ([^<]*)', capsys.readouterr().out)
        said.append('' if what is None else what[1])
    assert said == [
        'Below is the newest run.',
        'Below is the newest run of each kind.',
        'Below is the newest run of 3 of the most frequent kinds; 1 more kind is not drawn.',
        'Below is the newest run of 3 of the most frequent kinds; 3 more kinds are not drawn.',
    ]
