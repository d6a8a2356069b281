"""What failed and where, grouped, with runs as examples: in every format of the report."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

from streamtap._cli import main
from streamtap._display.verdict import Failure
from streamtap._report.failures import MOST_ROWS, Failures, failure_grid, left_out
from streamtap._report.run_trees import RunTrees
from streamtap._sinks.journal.lines import record_line
from support.made_records import IDS, failed_run, response, run, tool

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import pytest

    from streamtap._report.failures import FailureGroup

SECOND = 10**9


def failing(number: int, *, tool_name: str = 'lookup', **of_run: Any) -> list[Any]:
    """A run that fails in a tool, `number` seconds after the epoch."""
    run_id = f'{tool_name} {number}'
    common: dict[str, Any] = {'run_id': run_id, 'started_ns': number * SECOND}
    return [
        response(**common),
        tool(**common, tool=tool_name, outcome='error', error_type='KeyError'),
        failed_run(**common, error_type='KeyError', duration=2.0, **of_run),
    ]


def nested_failure() -> list[Any]:
    """A run of `boss` that fails because the model of the run that it called does."""
    error = {'outcome': 'error', 'error_type': 'ModelHTTPError_500'}
    return [
        response(run_id='inner', agent='helper', model='gpt', **error),
        run(run_id='inner', parent_run_id='outer', agent='helper', duration=0.5, **error),
        tool(run_id='outer', agent='boss', tool='ask', **error),
        run(run_id='outer', agent='boss', **error),
    ]


def groups(records: Iterable[Any]) -> list[FailureGroup]:
    trees, failures = RunTrees(), Failures()
    for record in records:
        if (tree := trees.add(record)) is not None:
            failures.add(tree)
    return failures.groups()


def test_failures_are_grouped_by_error_place_and_agent():
    """The most frequent first; of runs that users asked for, wherever the failure came from."""
    records = [*nested_failure(), run(), run(outcome='cancelled'), *failing(9), *failing(1), *failing(5), *failing(7)]
    first, second = groups(records)
    assert (first.failure, first.runs) == (Failure('a', 'KeyError', 'tool', 'lookup'), 4)
    assert (first.first_ns, first.last_ns) == (3 * SECOND, 11 * SECOND)
    assert first.run_ids == ['lookup 9', 'lookup 7', 'lookup 5']
    assert first.example is not None
    assert first.example.run.run_id == 'lookup 9'
    assert (second.failure, second.runs, second.run_ids) == (
        Failure('helper', 'ModelHTTPError_500', 'model', 'p:gpt'),
        1,
        ['outer'],
    )


def test_past_a_cap_failures_are_others(monkeypatch: pytest.MonkeyPatch):
    """None is lost from the counts, and only so many runs are kept as examples."""
    monkeypatch.setattr('streamtap._report.failures.MOST_GROUPS', 2)
    monkeypatch.setattr('streamtap._report.failures.MOST_HELD', 5)
    found = groups(record for number, name in enumerate('aabccc') for record in failing(number, tool_name=name))
    assert [(each.place, each.runs, each.example is not None) for each in found] == [
        ('', 3, False),
        ('tool a', 2, True),
        ('tool b', 1, False),
    ]
    assert found[0].failure.error == '_other'


def test_a_table_says_how_many_it_leaves_out():
    """In kinds and in runs."""
    found = groups(record for number in range(MOST_ROWS + 2) for record in failing(number, tool_name=f't{number}'))
    assert len(failure_grid(found).rows) == MOST_ROWS
    assert left_out(found) == '2 more kinds of failures are not shown, of 2 runs: JSON and CSV have them.'
    assert left_out(found[:MOST_ROWS]) == ''


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
        ['KeyError', 'tool lookup', 'a', '2', '01-01 00:00:03', '01-01 00:00:07', 'lookup 5'],
        ['ModelHTTPError_500', 'p:gpt', 'helper', '1', '01-01 00:00:04', '01-01 00:00:04', 'outer'],
    ]
    data = {
        'error': 'KeyError',
        'place': 'tool lookup',
        'agent': 'a',
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
    assert '| `KeyError` | `tool lookup` | `a` | 2 |' in report(path, capsys, '--format', 'markdown')


def test_a_page_draws_one_run_of_each_and_links_to_its_trace(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The verdict is in its heading; without a template there is no link."""
    path = tmp_path / 'j'
    link = ('--format', 'html', '--trace-url', 'https://traces.example.com/trace/{trace_id}?a=1&b=2')
    page = report(path, capsys, *link)
    (failed,) = re.findall(r'<section><h2>What failed</h2>.*?</section>', page, re.DOTALL)
    assert re.findall(r'<h3>(.*?)</h3>', failed) == [
        '<bdi>a</bdi>, 2.00 s, <span class="worse">error: Key<wbr>Error in tool lookup; 75 % tool lookup</span>',
        '<bdi>boss</bdi>, 4.00 s, <span class="worse">error: Model<wbr>HTTP<wbr>Error_<wbr>500 from p:<wbr>gpt (helper)</span>',
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
