"""Both engines report the same of the same journals, in every format, and to the last digit."""

from __future__ import annotations

import json
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hostile
from hostile.journals import KINDS, SEEDS, changed_lines
from hostile.records import RESPONSES, RUNS, TOOLS
from streamtap import CalledRuns, FailureRecord, LoopRecord
from streamtap._cli import main
from streamtap._records.as_json import encode, record_fields, record_name
from streamtap._sinks.journal.lines import header_line, record_line
from support.made_records import IDS, failed_run, full_response, response, run, tool
from tools.fleet_journals import write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

assert hostile  # Its settings: the same few examples in every run.

FORMATS = ('json', 'csv', 'html', 'markdown', 'table')
CHOICES = (
    (),
    ('--agent', 'b'),
    ('--agent', 'b', '--outcome', 'failed'),
    ('--label', 'tier=gold'),
    ('--since', '1970-01-01T00:00:05', '--until', '1970-01-01T00:01'),
    ('--outcome', 'success', '--outcome', 'error'),
    ('--run', 'ru'),
    ('--run', 'run 1'),
)


def reported(engine: str, path: Path, *arguments: str) -> tuple[int, str, str]:
    """The status, and what was put out."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        status = main(['report', str(path), '--engine', engine, *arguments])
    return status, out.getvalue(), err.getvalue()


def assert_same(path: Path, *arguments: str, formats: Sequence[str] = FORMATS) -> None:
    for form in formats:
        expected = reported('python', path, *arguments, '--format', form)
        assert reported('duckdb', path, *arguments, '--format', form) == expected, (form, arguments)


@pytest.fixture(scope='module')
def journals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those of three machines, with all that a fleet has."""
    folder = tmp_path_factory.mktemp('fleet')
    write(folder, 900, 3)
    return folder


@pytest.mark.parametrize(
    'choice',
    [
        (),
        ('--agent', 'researcher'),
        ('--agent', 'researcher', '--outcome', 'failed'),
        ('--label', 'tenant=tenant-03', '--label', 'tenant=tenant-04'),
        ('--since', '2026-11-19', '--until', '2026-11-21'),
        ('--run', 'nobody'),
        ('--agent', 'resercher'),
    ],
    ids=' '.join,
)
def test_journals_of_a_fleet(journals: Path, choice: tuple[str, ...]):
    """All of them, and some of their runs; also what cannot be chosen."""
    assert_same(journals / '*', *choice, formats=('json', 'html') if choice else FORMATS)


NAMES = st.sampled_from(('a', 'b', 'c'))
IDS_OF_RUNS = st.sampled_from(tuple(f'run {number}' for number in range(6)))
COMMON = {
    'run_id': IDS_OF_RUNS,
    'agent': NAMES,
    'labels': st.sampled_from(({}, {'tier': 'gold'}, {'tier': 'free', 'model': 'm'})),
    'started_ns': st.integers(0, 120).map(lambda seconds: seconds * 500_000_000),
    'duration': st.none() | st.sampled_from((0.0, 0.25, 1.5, 4.0)),
}
COST = st.none() | st.sampled_from((0.0, 0.1, 0.37, 1e6))
RECORDS = st.one_of(
    st.fixed_dictionaries(
        {
            **COMMON,
            'parent_run_id': st.none() | IDS_OF_RUNS,
            'outcome': st.sampled_from(('success', 'error', 'limit', 'deferred')),
            'cost_usd': COST,
            'called': st.builds(CalledRuns, cost_usd=COST),
            'time_to_first_output': st.none() | st.sampled_from((0.5, 1.0)),
            'failure': st.none()
            | st.builds(
                FailureRecord,
                agent=NAMES,
                error=st.just('E'),
                place=st.sampled_from(('', 'model', 'tool')),
                name=NAMES,
                step=st.integers(0, 2),
            ),
            'error_type': st.none() | NAMES,
            'phases': st.sampled_from(({}, {'wait': 0.5, 'tools': 1.0})),
            'tool_calls': st.integers(0, 3),
            'output_retries': st.integers(0, 2),
            'unnamed_agents': st.integers(0, 2),
            'context_used': st.none() | st.sampled_from((0.0, 0.6, 1.2)),
            'service_version': st.none() | NAMES,
            'loops': st.builds(LoopRecord, calls=st.integers(0, 2), seconds=st.just(0.3), tokens=st.integers(0, 9)),
            'objective_met': st.none() | st.booleans(),
            'objective_missed': st.sampled_from(((), ('cost',), ('stall', 'failed'))),
            'attempt': st.none() | st.integers(1, 2),
            'time_to_answer': st.none() | st.sampled_from((3.0, 9.0)),
        }
    ).map(lambda fields: run(**fields)),
    st.fixed_dictionaries(
        {
            **COMMON,
            'outcome': st.sampled_from(('success', 'error', 'timeout')),
            'model': NAMES,
            'streamed': st.booleans(),
            'output_tokens_per_second': st.none() | st.sampled_from((10.0, 33.3)),
            'output_tokens': st.none() | st.integers(0, 100),
            'cache_write_tokens': st.none() | st.integers(0, 9),
            'reasoning_tokens': st.none() | st.integers(0, 9),
            'usage_reported': st.booleans(),
            'unmeasured': st.sampled_from((None, 'interrupted', 'not_reported')),
            'cost_usd': COST,
            'time_to_first_token': st.none() | st.sampled_from((0.1, 0.2, 0.3)),
            'input_tokens': st.none() | st.integers(0, 100),
            'cache_read_tokens': st.none() | st.integers(0, 9),
            'cache_missed_tokens': st.none() | st.integers(0, 9),
            'cache_miss_reason': st.sampled_from((None, 'expired', 'prefix_changed')),
            'cache_saved_usd': COST,
            'cache_lost_usd': COST,
            'context_window': st.sampled_from((None, 0, 1000)),
            'context_tokens': st.none() | st.integers(0, 2000),
            'stalls': st.integers(0, 2),
            'stall_seconds': st.sampled_from((0.0, 0.7, 2.5)),
            'tool_result_tokens': st.none() | st.integers(0, 9),
            'tool_results_of': st.none() | st.just('_several') | NAMES,
        }
    ).map(lambda fields: response(**fields)),
    st.fixed_dictionaries(
        {
            **COMMON,
            'tool': NAMES,
            'outcome': st.sampled_from(('success', 'error')),
            'kind': st.sampled_from(('function', 'native', 'mcp')),
            'repeated': st.booleans(),
            'request_tokens': st.none() | st.integers(0, 9),
        }
    ).map(lambda fields: tool(**fields)),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(records=st.lists(RECORDS, min_size=1, max_size=25), choice=st.sampled_from(CHOICES), is_whole=st.booleans())
def test_any_records(tmp_path: Path, records: list[Any], choice: tuple[str, ...], *, is_whole: bool):
    """Runs in any order: without an end, with two of them, after their callers, and called by each other."""
    path = tmp_path / 'j'
    lines = (
        encode({'record': record_name(each), **record_fields(each)}) if is_whole else record_line(each)
        for each in records
    )
    path.write_bytes(b''.join(lines))
    assert_same(path, *choice, formats=('html',))
    (status, expected, told), (also, found, as_well) = (
        reported(engine, path, *choice, '--format', 'json') for engine in ('python', 'duckdb')
    )
    assert (status, told) == (also, as_well)
    # The order in which outcomes were first seen is not told where only some runs are looked at.
    assert (json.loads(expected) if expected else '') == (json.loads(found) if found else '')


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8)
@given(records=st.lists(RUNS | RESPONSES | TOOLS, min_size=1, max_size=8))
def test_records_that_no_run_would_make(tmp_path: Path, records: list[Any]):
    """With names and numbers as large as they can be."""
    path = tmp_path / 'j'
    path.write_bytes(b''.join(map(record_line, records)))
    assert_same(path, formats=('json', 'html'))


def test_lines_that_are_broken(tmp_path: Path):
    """Each is found, and told with its file and its line; what is sound among them is counted."""
    good = [record_line(run(run_id=f'run {number}', agent='good')) for number in range(3)]
    lines = [each.line for each in changed_lines() if each.kind in KINDS]
    path = tmp_path / 'j'
    path.write_bytes(b''.join([header_line(), *good, *lines, b'\n  \n', *good[:1], good[1][:40]]))
    (tmp_path / 'j.1').write_bytes(b''.join(lines[::3]) + b'x' * 2_000_000 + b'\n' + good[2])
    for count in (20, 10_000):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr('streamtap._report.command.SHOWN', count)
            assert_same(path, formats=('json', 'csv'))


@pytest.mark.parametrize('seed', SEEDS)
def test_every_seed(tmp_path: Path, seed: str):
    """Where a fuzzer begins: torn, empty, of another schema."""
    path = tmp_path / 'j'
    path.write_bytes(SEEDS[seed])
    assert_same(path, formats=('json',))


def test_lines_that_json_can_write_in_other_ways(tmp_path: Path):
    """They are read as by any other reader: the last of two keys counts, and blanks and escapes mean nothing."""
    line = record_line(full_response(labels={'tier': 'gold'}, agent='ä b"c', input_tokens=7)).decode()
    others = [
        line.replace('"labels":{"tier":"gold"}', '"labels":{"tier":"gold","tier":"free"}'),
        line.replace('"input_tokens":7', '"input_tokens":3,"input_tokens":4'),
        line.replace(',', ' , ').replace(':', ' : '),
        line.replace('ä', '\\u00e4').replace('\n', '\r\n'),
        line.replace('"input_tokens":7', '"input_tokens":7.0'),
        line.replace('"duration":1.5', '"duration":1'),
        line.replace('"duration":1.5', '"duration":15e-1'),
        line.replace('"duration":1.5', '"duration":1.5,'),
        line.replace('[215,2],[274,1]', '[274,1],[215,2]'),
        line.replace('"tool":null', f'"tool":"{"x" * 201}"'),
        line.replace('"model":"m"', f'"model":"{"é" * 200}"'),
        line.replace('"model":"m"', f'"model":"{"é" * 201}"'),
        line.replace('"labels":{"tier":"gold"}', f'"labels":{{"{"k" * 201}":"gold"}}'),
        line.replace('"labels":{"tier":"gold"}', f'"labels":{json.dumps({f"l{n}": "v" for n in range(40)})}'),
    ]
    path = tmp_path / 'j'
    path.write_bytes(b'\xff\xfe\n' + ''.join([line, *others, line]).encode())
    assert_same(path, formats=('json', 'table'))


def test_names_past_as_many_as_there_is_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The first have room, and the rest is counted as others."""
    for place in ('ledger', 'names'):
        module = '_sinks.usage.ledger' if place == 'ledger' else '_report.fleet.names'
        monkeypatch.setattr(f'streamtap.{module}.MAX_GROUPS', 4)
    path = tmp_path / 'j'
    records = [
        each
        for number in range(30)
        for each in (
            full_response(
                run_id=str(number), agent=f'a{number % 7}', model=f'm{number % 5}', provider=f'p{number % 3}'
            ),
            tool(run_id=str(number), agent=f'a{number % 7}', tool=f't{number % 6}'),
            response(run_id=str(number), tool_result_tokens=number, tool_results_of=f't{number % 8}'),
            run(run_id=str(number), agent=f'a{number % 7}', labels={'agent': f'a{number}', 'tier': f'{number % 9}'}),
        )
    ]
    path.write_bytes(b''.join(map(record_line, records)))
    assert_same(path, formats=('json',))


@pytest.mark.parametrize('choice', [(), ('--outcome', 'failed'), ('--agent', 'a')], ids=' '.join)
def test_runs_that_call_each_other_without_end(tmp_path: Path, choice: tuple[str, ...]):
    """However deep."""
    path = tmp_path / 'j'
    runs = [run(run_id=str(number), parent_run_id=str(number + 1)) for number in range(1000)]
    path.write_bytes(
        b''.join(map(record_line, [tool(run_id='0'), *runs, failed_run(run_id='1000'), tool(run_id='1001')]))
    )
    assert_same(path, *choice, formats=('json',))


def test_failures_that_do_not_say_why(tmp_path: Path):
    """What failed in them is looked for, as it is in a single pass."""
    path = tmp_path / 'j'
    failed = {'outcome': 'error', 'error_type': 'KeyError'}
    records = [
        each
        for number in range(5)
        for each in (
            tool(run_id=str(number), **failed),
            failed_run(run_id=str(number), started_ns=number, **IDS, error_type='KeyError'),
        )
    ]
    path.write_bytes(b''.join(map(record_line, records)))
    assert_same(path)
    assert 'tool t' in reported('duckdb', path)[1]


def test_what_runs_missed_is_told_in_its_order(tmp_path: Path):
    """Also where one run missed all of it."""
    path = tmp_path / 'j'
    parts = ('success', 'first_output', 'stall', 'duration', 'cost')
    records = [run(run_id=str(place), objective_met=False, objective_missed=parts[place:]) for place in range(5)]
    for each in (records, records[::-1], records[1:]):
        path.write_bytes(b''.join(map(record_line, each)))
        assert_same(path, formats=('json',))


def test_a_kind_of_failure_past_as_many_as_are_kept_is_not_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """However many runs failed so: it is counted."""
    for place in ('failures', 'fleet.failed'):
        monkeypatch.setattr(f'streamtap._report.{place}.MOST_KINDS', 4)
    path = tmp_path / 'j'
    errors = ('A', 'B', 'C', 'D', 'E', 'E', 'A', 'E')
    records = [failed_run(run_id=str(number), error_type=error) for number, error in enumerate(errors)]
    path.write_bytes(b''.join(map(record_line, records)))
    assert_same(path, formats=('json', 'html'))
