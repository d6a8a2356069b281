"""The `streamtap` command: what it says to those who typed something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamtap._cli import main
from streamtap._sinks.journal.lines import header_line, record_line
from support.made_records import run


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str]:
    """The exit status, and the one line on stderr."""
    status: object
    try:
        status = main(arguments)
    except SystemExit as end:
        status = end.code
    out, err = capsys.readouterr()
    assert (out, err.count('\n')) == ('', 1)
    return status, err.rstrip()


@pytest.mark.parametrize(
    ('line', 'said'),
    [
        (
            'rport',
            "streamtap: there is no command 'rport'. Did you mean report? There are demo, report, dashboards",
        ),
        ('frobnicate', "streamtap: there is no command 'frobnicate'. There are demo, report, dashboards"),
        (
            'dashboards exprt boards',
            "streamtap dashboards: there is no command 'exprt'. Did you mean export? There are export, check",
        ),
        ('--vresion', 'streamtap: there is no option --vresion. Did you mean --version?'),
        ('report --frmat json j', 'streamtap report: there is no option --frmat. Did you mean --format?'),
        ('report --budgt=x j', 'streamtap report: there is no option --budgt. Did you mean --budget?'),
        (
            'report --format jsn j',
            "streamtap report: argument --format: there is no 'jsn'. Did you mean json? "
            'There are table, json, csv, html, markdown, github',
        ),
        (
            'demo --fault slow-tol',
            "streamtap demo: argument --fault: there is no 'slow-tol'. Did you mean slow-tool? "
            'There are slow-tool, rate-limit, stalls, errors, cost, loop, context, cache',
        ),
        (
            'demo --zzz',
            'streamtap demo: there is no option --zzz. streamtap demo --help shows those that there are',
        ),
        ('demo now', "streamtap demo: unexpected argument 'now'"),
        ('report', 'streamtap report: name the journals to report, or two to --compare'),
        ('report a --compare b c', 'streamtap report: give either FILEs or --compare, not both'),
        ('demo --fault-after 5', 'streamtap demo: --fault-after needs a fault: --fault FAULT'),
        ('demo --fault-after 5 --model test', 'streamtap demo: --fault-after needs a fault: --fault FAULT'),
        ('report --by', 'streamtap report: argument --by: expected one argument'),
        ('dashboards export', 'streamtap dashboards export: the following arguments are required: DIR'),
        ('report nowhere', 'streamtap report: nowhere: No such file or directory'),
        ('report --compare a', 'streamtap report: --compare needs a before and an after: --compare BEFORE AFTER'),
        ('report --compare nowhere nowhere', 'streamtap report: nowhere: No such file or directory'),
        (
            'dashboards check nowhere',
            'streamtap dashboards check: nowhere is not an export, as it has no streamtap.toml: '
            '`streamtap dashboards export DIR` writes one',
        ),
        ('dashboards check a b', "streamtap dashboards check: unexpected argument 'b'"),
    ],
)
def test_a_mistake_is_one_line_with_what_to_do(line: str, said: str, capsys: pytest.CaptureFixture[str]):
    """It guesses what was meant, and exits with 2."""
    assert told(capsys, *line.split()) == (2, said)


@pytest.mark.parametrize(('line', 'usage'), [('', 'streamtap'), ('dashboards', 'streamtap dashboards')])
def test_a_command_alone_shows_its_help(line: str, usage: str, capsys: pytest.CaptureFixture[str]):
    """Nothing was asked for, so nothing failed: it exits with 0."""
    assert main(line.split()) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f'usage: {usage} [-h]')
    assert err == ''


def test_the_help_ends_with_commands_that_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The demo, which does not end by itself, and two that do; they fit 80 columns."""
    monkeypatch.chdir(tmp_path)
    Path('runs.jsonl').write_bytes(header_line() + record_line(run()))
    assert main([]) == 0
    lines = capsys.readouterr().out.partition('examples:\n')[2].splitlines()
    assert all(len(line) <= 80 for line in lines)
    demo, *others = (line.split('   ')[0].split()[1:] for line in lines if line.startswith('  streamtap'))
    assert demo == ['demo']
    assert [main(each) for each in others] == [0, 0]
    assert {each.name for each in tmp_path.iterdir()} == {'runs.jsonl', 'report.html', 'boards'}


def test_a_mistyped_argument_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]):
    """Whatever was pasted."""
    _, said = told(capsys, 'demo', '--\x1b[2J')
    assert said.isprintable()
