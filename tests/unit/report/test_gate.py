"""The gate of `streamtap report`: what passes, what does not, how it is said, and which options go together."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from hostile.texts import RIGHT_TO_LEFT
from streamtap import CalledRuns
from streamtap._cli import main
from streamtap._sinks.journal.lines import header_line, record_line
from support.made_records import full_response, run, tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path
    from typing import TypeAlias

    from streamtap._records.as_json import Record

    Judge: TypeAlias = Callable[..., tuple[int, str, str]]


def runs(count: int, *, duration: float = 4.0, agent: str = 'a', **changes: Any) -> list[Record]:
    """Runs whose durations lie a little apart."""
    return [
        run(run_id=f'{agent} {number}', agent=agent, duration=duration + number / 1000, **changes)
        for number in range(count)
    ]


@pytest.fixture
def judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Judge:
    """Reports a journal of some records: the exit status, and what was printed on stdout and stderr."""

    def judge(
        records: Iterable[Record], *arguments: str, after: Iterable[Record] | None = None
    ) -> tuple[int, str, str]:
        names: list[str] = []
        for name, held in (('before', records), ('after', after)):
            if held is not None:
                path = tmp_path / name
                path.write_bytes(header_line() + b''.join(map(record_line, held)))
                names.append(str(path))
        status = main(['report', *(names if after is None else ['--compare', *names]), *arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return judge


def verdict_of(out: str) -> str:
    """The last line, which is the verdict."""
    return out.rstrip('\n').rpartition('\n')[2]


@pytest.mark.parametrize(
    ('limit', 'status', 'verdict'),
    [('5s', 0, 'met'), ('4.05s', 0, 'too few to tell'), ('4s', 3, 'missed')],
    ids=['above', 'within', 'below'],
)
def test_a_budget_is_missed_where_the_whole_interval_is_beyond_it(judged: Judge, limit: str, status: int, verdict: str):
    """And met where none of it is; between, it passes, unless the gate is strict."""
    arguments = '--budget', f'run_duration.p50 <= {limit}'
    told = judged(runs(100), *arguments)
    assert told[0] == status
    assert verdict_of(told[1]).startswith(f'gate {"failed" if status else "passed"}: 1 {verdict}')
    assert judged(runs(100), *arguments, '--strict')[0] == (0 if verdict == 'met' else 3)


def test_hits_of_a_cache_of_which_nothing_was_said_cannot_be_judged(judged: Judge):
    """A provider that says nothing of a cache may have none; one that says so is judged."""
    silent = [full_response(run_id=str(n), cache_read_tokens=0, cache_write_tokens=0) for n in range(30)]
    budget = '--budget', 'cache_hits.p50 >= 60%'
    assert verdict_of(judged([*runs(30), *silent], *budget)[1]) == 'gate passed: 1 nothing to judge'
    missed = full_response(run_id='0', cache_read_tokens=0, cache_missed_tokens=50)
    assert verdict_of(judged([*runs(30), *silent, missed], *budget)[1]).startswith('gate failed: 1 missed')


def test_the_table_of_budgets_has_figures_and_intervals(judged: Judge):
    """The journal before, how to read it and the verdict after it."""
    _, out, err = judged(
        [*runs(99), run(outcome='error')], '--budget', 'run_duration.p50 <= 4s', '--budget', 'failed <= 50%'
    )
    heading, table, notes, verdict = out.strip().split('\n\n')
    assert heading.endswith('before: 100 runs, 1970-01-01 00:00:00 to 00:00:04 UTC')
    assert [line.split('  ') for line in re.sub('  +', '  ', table).splitlines() if '--' not in line] == [
        ['budget', 'of', 'n', 'figure', 'interval', 'verdict'],
        ['run_duration.p50 <= 4s', 'all', '100', '4.05 s', '4.04 s to 4.06 s', 'missed'],
        ['failed <= 50%', 'all', '100', '1.0%', '<0.1% to 6.2%', 'met'],
    ]
    assert notes.startswith('The intervals are such that all verdicts together are right with 95 % confidence')
    assert verdict == 'gate failed: 1 missed, 1 met; run_duration.p50 <= 4s of all is missed: 4.05 s (4.04 s to 4.06 s)'
    assert err == ''


def rows(out: str) -> list[tuple[Any, ...]]:
    """Scope, name, number of values and verdict of each verdict in JSON."""
    found = json.loads(out)
    return [(row['scope'], row['name'], row['n'], row['verdict']) for row in found['verdicts']]


def test_budgets_are_of_what_users_asked_for(judged: Judge):
    """Nested runs are part of those that called them; by agent, each has its own."""
    records = [
        record
        for number in range(100)
        for record in (
            run(run_id=f'in {number}', parent_run_id=f'out {number}', agent='inner', duration=9.0, cost_usd=0.5),
            run(
                run_id=f'out {number}',
                agent='outer',
                duration=1.0,
                cost_usd=0.25,
                called=CalledRuns(runs=1, cost_usd=0.5),
            ),
        )
    ]
    budgets = '--budget', 'run_duration.p50 <= 2s', '--budget', 'cost_per_run.p50 <= $0.6', '--format', 'json'
    status, out, _ = judged(records, *budgets)
    assert (status, rows(out)) == (3, [('all', '', 100, 'met'), ('all', '', 100, 'missed')])
    status, out, _ = judged(records, *budgets, '--by', 'agent', '--by', 'all')
    assert (status, rows(out)) == (
        3,
        [
            ('agent', 'inner', 100, 'missed'),
            ('agent', 'outer', 100, 'met'),
            ('all', '', 100, 'met'),
            ('agent', 'inner', 100, 'met'),
            ('agent', 'outer', 100, 'missed'),
            ('all', '', 100, 'missed'),
        ],
    )


def test_budgets_are_judged_by_model_tool_and_label(judged: Judge):
    """Each by what has its quantity: a run has no tool, a tool call no model, and all have their labels."""
    records: list[Record] = []
    for number in range(20):
        of = {'run_id': str(number), 'labels': {'tenant': 'acme' if number % 4 else 'bolt'}}
        records += [full_response(**of, model='big' if number % 2 else 'small'), tool(**of, tool='search'), run(**of)]
    status, out, _ = judged(
        records,
        *(
            '--budget',
            'first_token.p50 <= 1s',
            '--budget',
            'tool_duration.p50 <= 1s',
            '--budget',
            'run_duration.p50 <= 5s',
        ),
        *('--by', 'model', '--by', 'tool', '--by', 'tenant', '--format', 'json'),
    )
    assert (status, rows(out)) == (
        0,
        [
            ('model', 'p:big', 10, 'met'),
            ('model', 'p:small', 10, 'met'),
            ('tenant', 'acme', 15, 'met'),
            ('tenant', 'bolt', 5, 'too few to tell'),
            ('tool', 'a/search', 20, 'met'),
            ('tenant', 'acme', 15, 'met'),
            ('tenant', 'bolt', 5, 'too few to tell'),
            ('tenant', 'acme', 15, 'met'),
            ('tenant', 'bolt', 5, 'too few to tell'),
        ],
    )


def test_what_was_never_measured_is_nothing_to_judge(judged: Judge):
    """It passes and is told, and does not pass a strict gate: of an agent, of a kind of which there was none, of tokens."""
    budgets = '--budget', 'blank_screen.p95 <= 3s', '--budget', 'failed_tools <= 1%'
    records = [*runs(50, agent='streams', time_to_first_output=1.0), *runs(50, agent='waits')]
    status, out, _ = judged(records, *budgets, '--by', 'agent', '--format', 'json')
    assert (status, rows(out)) == (
        0,
        [
            ('agent', 'streams', 50, 'too few to tell'),
            ('agent', 'waits', 0, 'nothing to judge'),
            ('agent', 'none', 0, 'nothing to judge'),
        ],
    )
    assert judged(records, *budgets[2:], '--strict')[0] == 3
    status, out, _ = judged(records, *budgets, '--by', 'agent', '--format', 'github')
    assert (status, [line for line in out.splitlines() if line.startswith('::')]) == (
        0,
        [
            '::warning title=streamtap::blank_screen.p95 <= 3s of waits is nothing to judge: it was never measured',
            '::warning title=streamtap::failed_tools <= 1%25 of none is nothing to judge: it was never measured',
            '::notice title=streamtap::gate passed: 1 too few to tell, 2 nothing to judge',
        ],
    )
    unmeasured = runs(100, input_tokens=5, unmeasured_responses=1)
    status, out, _ = judged(unmeasured, '--budget', 'tokens_per_run.p50 <= 10 tokens')
    assert (status, verdict_of(out)) == (0, 'gate passed: 1 nothing to judge')


def test_refused_requests_do_not_make_runs_of_no_tokens(judged: Judge):
    """An outage does not help a budget of tokens: runs of which no response reported any are left out, as of cost."""
    records = [*runs(100, requests=1, outcome='error', error_type='E'), *runs(30, requests=1, input_tokens=900)]
    _, out, _ = judged(records, '--budget', 'tokens_per_run.p50 <= 100 tokens', '--format', 'json')
    ((_, _, n, verdict),) = rows(out)
    assert (n, verdict) == (30, 'missed')


def test_what_is_better_when_higher_has_a_least_value(judged: Judge):
    """A speed that is too low misses its budget; so do tokens and counts that are too high."""
    records = [
        record
        for number in range(40)
        for record in (
            full_response(run_id=str(number), output_tokens_per_second=20.0 + number / 100),
            run(run_id=str(number), requests=3, tool_calls=2, input_tokens=900, output_tokens=100),
        )
    ]
    status, out, _ = judged(
        records,
        *('--budget', 'tokens_per_second.p50 >= 30 tokens/s', '--budget', 'tokens_per_second.p5 >= 10 tokens/s'),
        *('--budget', 'tokens_per_run.p50 <= 999 tokens', '--budget', 'tokens_per_run.p50 <= 1000 tokens'),
        *('--budget', 'requests_per_run.p50 <= 2', '--budget', 'tool_calls_per_run.p50 <= 2', '--format', 'json'),
    )
    assert status == 3
    assert [row[3] for row in rows(out)] == ['missed', 'too few to tell', 'missed', 'met', 'missed', 'met']


def test_several_verdicts_need_more_values_each(judged: Judge):
    """So that all of them together are right with 95 % confidence."""
    one = '--budget', 'run_duration.p50 <= 4.04s'
    assert verdict_of(judged(runs(110), *one)[1]).startswith('gate failed: 1 missed')
    many = [argument for tenth in range(20) for argument in ('--budget', f'run_duration.p50 <= 4.04{tenth:02}s')]
    out = judged(runs(110), *many, '--format', 'json')[1]
    assert json.loads(out)['verdicts'][0]['verdict'] == 'too few to tell'


def test_a_comparison_fails_on_what_is_worse(judged: Judge):
    """Not on what is better, the same, or told by too few; the verdicts have their intervals."""
    fast, slow = runs(100), runs(100, duration=6.0)
    status, out, _ = judged(fast, '--fail-on', 'worse', after=slow)
    assert status == 3
    line = next(line for line in out.splitlines() if re.match(r'duration of a run, p50 +all ', line))
    assert re.sub('  +', '|', line) == (
        'duration of a run, p50|all|100|100|4.05 s|4.04 s to 4.06 s|6.05 s|6.04 s to 6.06 s|+49%|worse'
    )
    assert verdict_of(out) == (
        'gate failed: 2 worse, 2 no clear change, 2 too few to tell; '
        'duration of a run, p50 of all is worse: 4.05 s before, 6.05 s after, +49%; '
        'duration of a run, p50 of a is worse: 4.05 s before, 6.05 s after, +49%'
    )
    assert judged(slow, '--fail-on', 'worse', after=fast)[0] == 0
    assert judged(fast, '--fail-on', 'worse', after=fast)[0] == 0
    assert judged(runs(3), '--fail-on', 'worse', after=runs(3, duration=60.0))[0] == 0
    assert judged(runs(3), '--fail-on', 'worse', '--strict', after=runs(3))[0] == 3


@pytest.mark.parametrize(
    ('change', 'status'),
    [([], 3), (['--min-change', '40%'], 3), (['--min-change', '60%'], 0), (['--min-change', '60 points'], 3)],
)
def test_no_change_below_the_smallest_is_one(judged: Judge, change: list[str], status: int):
    """Of times it is relative."""
    assert judged(runs(100), '--fail-on', 'worse', *change, after=runs(100, duration=6.0))[0] == status


@pytest.mark.parametrize(
    ('change', 'status'),
    [
        ([], 3),
        (['--min-change', '20points'], 3),
        (['--min-change', '40 points'], 0),
        (['--min-change', '900%'], 3),
        (['--min-change', '900%', '--min-change', '40 points'], 0),
    ],
)
def test_shares_change_by_points(judged: Judge, change: list[str], status: int):
    """From no failure to 30 % of failures are 30 points, however many per cent that is."""
    failing = [*runs(70), *runs(30, agent='b', outcome='error')]
    found = judged(runs(100), '--fail-on', 'worse', *change, '--by', 'all', after=failing)
    assert found[0] == status
    if status:
        assert 'runs that failed of all is worse: 0.0% before, 30.0% after, +30.0 points' in found[1]


def test_a_comparison_can_be_by_some_only(judged: Judge):
    """Fewer verdicts need fewer values; a label has its value after its name."""
    labelled = [*runs(60, labels={'tenant': 'acme'}), *runs(60, agent='b', labels={'tenant': 'bolt'})]
    _, out, _ = judged(labelled, '--by', 'tenant', '--by', 'all', after=labelled)
    owners = {line.split()[0] for line in out.split('\n\n')[1].splitlines()[2:]}
    assert owners == {'all', 'tenant=acme', 'tenant=bolt'}
    _, out, _ = judged(labelled, '--by', 'tool', '--fail-on', 'worse', after=labelled)
    assert verdict_of(out) == 'gate passed: nothing to judge'
    assert judged(labelled, '--by', 'tool', '--fail-on', 'worse', '--strict', after=labelled)[0] == 3


def test_what_cannot_be_read_fails_a_build_as_well(judged: Judge, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """With 1, unless the gate fails, too; and nothing to report is 2."""
    path = tmp_path / 'torn'
    path.write_bytes(b''.join(map(record_line, runs(100))) + b'{"record":"run","ru')
    assert main(['report', str(path), '--budget', 'run_duration.p50 <= 5s', '--format', 'markdown']) == 1
    assert '1 line or file could not be read and is not included.' in capsys.readouterr().out
    assert main(['report', str(path), '--budget', 'run_duration.p50 <= 1s', '--format', 'github']) == 3
    assert '::warning title=streamtap::1 line or file could not be read' in capsys.readouterr().out
    assert judged([], '--budget', 'failed <= 1%')[0] == 2


def test_programs_get_every_verdict(judged: Judge, tmp_path: Path):
    """As JSON and as CSV; people get the verdict of the gate on stderr then, and where the report goes to a file."""
    budget = '--budget', 'run_duration.p50 <= 4s'
    status, out, err = judged(runs(100), *budget, '--format', 'json')
    said = 'gate failed: 1 missed; run_duration.p50 <= 4s of all is missed: 4.05 s (4.04 s to 4.06 s)'
    assert (status, err) == (3, f'streamtap report: {said}\n')
    row = {
        'budget': 'run_duration.p50 <= 4s', 'quantity': 'run_duration', 'limit': 4.0, 'scope': 'all', 'name': '',
        'n': 100, 'value': 4.049, 'value_low': 4.039, 'value_high': 4.06, 'verdict': 'missed',
    }  # fmt: skip
    assert json.loads(out) == {'passed': False, 'verdict': said, 'verdicts': [row]}
    _, out, _ = judged(runs(100), *budget, '--format', 'csv')
    assert list(csv.DictReader(io.StringIO(out))) == [{name: str(value) for name, value in row.items()}]
    written = tmp_path / 'written'
    status, out, err = judged(runs(100), *budget, '-o', str(written))
    assert (status, out, err) == (3, '', f'streamtap report: {said}\n')
    assert verdict_of(written.read_text(encoding='utf-8')) == said
    _, out, _ = judged(runs(100), '--fail-on', 'worse', '--by', 'all', '--format', 'json', after=runs(5, duration=9.0))
    assert json.loads(out)['verdicts'][0] == {
        'quantity': 'run_duration', 'statistic': 'p50', 'scope': 'all', 'name': '', 'n_before': 100, 'n_after': 5,
        'before': 4.049, 'before_low': 4.037, 'before_high': 4.062, 'after': 9.002, 'after_low': None,
        'after_high': None, 'change': pytest.approx(1.223, abs=0.001), 'verdict': 'too few to tell',
    }  # fmt: skip


def test_the_page_has_the_gate(judged: Judge):
    """Above the rest: whether it passes, and the table."""
    _, out, _ = judged(runs(100), '--budget', 'run_duration.p50 <= 4s', '--format', 'html')
    assert '<h2>Gate</h2><p class="worse">gate failed: 1 missed</p>' in out
    assert '<td class="worse words">missed</td>' in out
    assert 'The slowest runs' in out
    _, out, _ = judged(runs(100), '--fail-on', 'worse', '--format', 'html', after=runs(100))
    assert '<h2>Gate</h2><p class="strong">gate passed: ' in out


def test_a_comment_has_the_verdict_first_and_names_as_code(judged: Judge):
    """Long tables are folded."""
    status, out, _ = judged(
        runs(100, agent='a|`b`'), '--budget', 'run_duration.p50 <= 4s', '--by', 'agent', '--format', 'markdown'
    )
    assert status == 3
    assert out.splitlines()[:4] == [
        '**gate failed: 1 missed**',
        '',
        '- `run_duration.p50 <= 4s` of `` a|`b` `` is **missed**: `4.05 s (4.04 s to 4.06 s)`',
        '',
    ]
    assert '| `run_duration.p50 <= 4s` | `` a\\|`b` `` | 100 | `4.05 s` | `4.04 s to 4.06 s` | **missed** |' in out
    assert '<details>' not in out
    many = [record for number in range(13) for record in runs(2, agent=str(number))]
    _, out, _ = judged(many, '--budget', 'failed <= 1%', '--by', 'agent', '--format', 'markdown')
    assert '<details><summary>budget: 13 rows</summary>\n\n| budget |' in out


def test_a_report_can_be_a_comment_as_well(judged: Judge):
    """Without a gate, too."""
    status, out, _ = judged(runs(3), '--format', 'markdown')
    assert status == 0
    assert '| `a` | 3 | - | - | `4.00 s` | `4.00 s` | 0 | 0 | 0 | 0 | - | - | - |' in out
    status, out, _ = judged(runs(3), '--format', 'markdown', after=runs(3))
    assert '| `all` | 3 | 3 | `4.00 s` | `4.00 s` | `0%` | no clear change | - | - | - | - |' in out


def test_a_comment_is_not_longer_than_one_can_be(judged: Judge):
    """GitHub takes 65,536 characters; failures and rows past those that are shown are counted."""
    records = [record for number in range(600) for record in runs(1, agent=f'{number:060}', outcome='error')]
    status, out, _ = judged(records, '--budget', 'failed <= 0%', '--by', 'agent', '--format', 'markdown')
    assert status == 3
    assert len(out) < 65_536
    assert '- and 580 more\n' in out
    assert '\n\nand 400 more\n' in out


def test_a_name_from_right_to_left_does_not_reorder_the_verdict(judged: Judge):
    """It is isolated, in the line and in the annotation."""
    _, out, _ = judged(
        runs(100, agent=RIGHT_TO_LEFT), '--budget', 'run_duration.p50 <= 4s', '--by', 'agent', '--format', 'github'
    )
    said = f' of \u2068{RIGHT_TO_LEFT}\u2069 is missed: 4.05 s'
    assert said in verdict_of(out)
    assert said in next(line for line in out.splitlines() if line.startswith('::error'))


def test_annotations_are_as_many_as_are_shown(judged: Judge):
    """And one that counts the others."""
    records = [record for number in range(12) for record in runs(9, agent=f'agent {number:02}', outcome='error')]
    status, out, _ = judged(records, '--budget', 'failed <= 1%', '--by', 'agent', '--format', 'github')
    errors = [line for line in out.splitlines() if line.startswith('::error ')]
    assert status == 3
    assert errors[0] == '::error title=streamtap::failed <= 1%25 of agent 00 is missed: 100.0%25 (50.4%25 to 100.0%25)'
    assert (len(errors), errors[8]) == (9, '::error title=streamtap::and 4 more')
    assert verdict_of(out).startswith('gate failed: 12 missed; failed <= 1% of agent 00 is missed')
    assert verdict_of(out).endswith('; and 9 more')


def test_a_terminal_gets_the_verdict_in_colour(judged: Judge, monkeypatch: pytest.MonkeyPatch):
    """Where rich is installed."""
    monkeypatch.setenv('COLUMNS', '200')
    monkeypatch.setenv('FORCE_COLOR', '1')
    monkeypatch.setattr('sys.stdout.isatty', lambda: True)
    _, out, _ = judged(runs(100), '--budget', 'run_duration.p50 <= 4s')
    said = 'gate failed: 1 missed; run_duration.p50 <= 4s of all is missed: 4.05 s (4.04 s to 4.06 s)'
    assert verdict_of(out) == f'\x1b[1;31m{said}\x1b[0m'


@pytest.mark.parametrize(
    ('arguments', 'why'),
    [
        (['j', '--fail-on', 'worse'], '--fail-on worse needs a before and an after: --compare BEFORE AFTER'),
        (['j', '--min-change', '10%'], '--min-change needs a before and an after: --compare BEFORE AFTER'),
        (
            ['--compare', 'a', 'b', '--budget', 'failed <= 1%'],
            'a --budget judges one side: report AFTER with it in a command of its own, without --compare',
        ),
        (['j', '--by', 'agent', '--run', 'r'], '--by compares many runs: report them without --run'),
        (['j', '--strict'], '--strict only works with a gate: give a --budget, or --fail-on worse with --compare'),
        (
            ['--compare', 'a', 'b', '--strict'],
            '--strict only works with a gate: give a --budget, or --fail-on worse with --compare',
        ),
        (
            ['--compare', 'a', 'b', '--format', 'github'],
            '--format github tells verdicts: give a --budget, or --fail-on worse with --compare',
        ),
        (
            ['--compare', 'a', 'b', '--min-change', '10'],
            "--min-change 10: write 10% of times, costs and speeds, or '2 points' of shares",
        ),
        (
            ['--compare', 'a', 'b', '--min-change=-1%'],
            "--min-change -1%: write 10% of times, costs and speeds, or '2 points' of shares",
        ),
        (
            ['--compare', 'a', 'b', '--min-change', '5000%'],
            "--min-change 5000%: write 10% of times, costs and speeds, or '2 points' of shares",
        ),
        (
            ['--compare', 'a', 'b', '--min-change', '1%', '--min-change', '2%'],
            '--min-change 2%: there is one already; give one in % and one in points',
        ),
        (
            ['j', '--budget', 'failed <= 1%', '--by', 'the tenant'],
            '--by the tenant: write agent, model, tool, service_version, all, or the name of a label',
        ),
        (
            ['j', '--budget', 'failed <= 1%', '--by', 'tool', '--by', 'model'],
            "'failed <= 1%' cannot be told by tool or model: it is of each run; leave out --by, or give this budget in a "
            'command of its own',
        ),
        (
            ['j', '--budget', 'failed <= 1'],
            "'failed <= 1': failed is a share: write it like 1%, not 1",
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused_with_what_to_do(
    arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
):
    """Before anything is read."""
    assert main(['report', *arguments]) == 2
    assert capsys.readouterr().err == f'streamtap report: {why}\n'


def test_a_label_that_is_misspelt_does_not_pass(judged: Judge):
    """It names those that there are."""
    records = runs(50, labels={'tenant': 'acme', 'tier': 'gold'})
    assert judged(records, '--budget', 'failed <= 1%', '--by', 'tennant') == (
        2,
        '',
        'streamtap report: --by tennant: no record has this label. Did you mean tenant? The labels are: tenant, tier\n',
    )
    assert judged(runs(50), '--by', 'colour', after=runs(50)) == (
        2,
        '',
        'streamtap report: --by colour: no record has this label. There are no labels\n',
    )
