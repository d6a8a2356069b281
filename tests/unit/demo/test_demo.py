"""`streamtap demo`: what it prints, what it serves, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import pytest

import streamtap
from streamtap._cli import main
from streamtap._upstream import versions
from streamtap.testing import ChatRequest, PacedProvider, Reply, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

AGENTS = 'coder', 'editor', 'researcher', 'support'
MODELS = 'gpt-5.2', 'gpt-5-mini', 'gpt-4.1-mini', 'o4-mini'
PLUG_IN = 'tap = streamtap.Tap()', 'agent = Agent(..., capabilities=[tap.capability(stream=True)])'
SUMMARY = re.compile(r'^agent +runs +(nested +)?blank p50', re.MULTILINE)


@dataclass(frozen=True)
class Finished:
    """A demo that ended."""

    status: int
    out: str
    err: str
    metrics: str


def start(
    *arguments: str, out: int | IO[str] = subprocess.PIPE, env: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    command = [sys.executable, '-W', 'error', '-m', 'streamtap', 'demo', *arguments]
    settings = {**os.environ, 'PYTHONIOENCODING': 'utf-8', 'TERM': 'xterm-256color', **(env or {})}
    return subprocess.Popen(
        command, stdout=out, stderr=subprocess.PIPE, encoding='utf-8', env=settings, start_new_session=True
    )


def finish(process: subprocess.Popen[str]) -> tuple[str, str]:
    try:
        return process.communicate(timeout=30)
    finally:
        process.kill()


def scrape(url: str) -> str:
    # Not through a proxy of the environment.
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as answer:
        return answer.read().decode()


def finished_runs(metrics: str) -> float:
    return sum(map(float, re.findall(r'^pydantic_ai_runs_total{.*} (\S+)$', metrics, re.MULTILINE)))


def answers_timed(metrics: str) -> dict[str, float]:
    """Of each model, how many answers have a time to first token."""
    name = 'pydantic_ai_time_to_first_token_seconds_count'
    return {
        model: sum(map(float, re.findall(rf'^{name}{{.*model="{model}".*}} (\S+)$', metrics, re.MULTILINE)))
        for model in MODELS
    }


def one_line(err: str) -> str:
    assert err.count('\n') == 1, err
    return err


@pytest.fixture(scope='module')
def demo() -> Finished:
    """A demo of six seconds, with its output to a pipe and its metrics scraped while it ran."""
    process = start('--for', '6', '--port', '0')
    assert process.stdout is not None
    first = process.stdout.readline()
    url = re.search(r'http://127\.0\.0\.1:\d+/metrics', first)
    assert url is not None, first
    metrics, until = '', time.monotonic() + 5
    while not (finished_runs(metrics) and all(answers_timed(metrics).values())) and time.monotonic() < until:
        time.sleep(0.2)
        metrics = scrape(url[0])
    out, err = finish(process)
    return Finished(process.returncode, first + out, err, metrics)


def test_it_ends_by_itself_with_the_summary_of_every_agent(demo: Finished):
    """After `--for` seconds it exits with 0, silent on stderr, and prints the usage summary and the two lines."""
    assert (demo.status, demo.err) == (0, '')
    summary = demo.out[next(SUMMARY.finditer(demo.out)).start() :]
    for agent in AGENTS:
        assert re.search(rf'^{agent} +[1-9]', summary, re.MULTILINE), summary
    for line in PLUG_IN:
        assert f'    {line}\n' in summary


def test_metrics_answer_while_it_runs(demo: Finished):
    """The printed URL answers with finished runs, and with times to the first token of each model."""
    assert finished_runs(demo.metrics) > 0
    assert all(answers_timed(demo.metrics).values()), answers_timed(demo.metrics)


def test_it_says_where_its_live_view_is(demo: Finished):
    """On the screen, from the first one on."""
    assert re.search(r'http://127\.0\.0\.1:\d+/ ─╯', demo.out)


def test_its_mishaps_show_in_the_numbers(demo: Finished):
    """A rate limit with its fallback, a retried tool, parallel and nested calls, and a price are all in the summary."""
    summary = demo.out[next(SUMMARY.finditer(demo.out)).start() :]
    assert re.search(r'^openai:gpt-5-mini +\d+ +[1-9]', summary, re.MULTILINE), summary
    assert re.search(r'^openai:gpt-4\.1-mini +[1-9]', summary, re.MULTILINE), summary
    assert re.search(r'^support/find_order +function +\d+ .* \d+ retried ', summary, re.MULTILINE), summary
    for tool in ('coder/apply_patch', 'coder/run_tests', 'editor/ask_researcher', 'researcher/search_papers'):
        assert re.search(rf'^{tool} +function +[1-9]', summary, re.MULTILINE), summary
    assert re.search(r'^total .* \$\d+\.\d+ ', summary, re.MULTILINE), summary


def test_a_pipe_gets_plain_tables(demo: Finished):
    """Where stdout is no terminal, the table comes as text, now and then, without control codes or trailing spaces."""
    assert '\x1b' not in demo.out
    assert not re.search(r' $', demo.out, re.MULTILINE)
    blocks = demo.out.count('─ streamtap demo ─')
    assert 1 <= blocks <= 3
    assert 'list prices of the named models, for fake traffic' in demo.out


@pytest.mark.skipif(sys.platform == 'win32', reason='needs a pseudo-terminal')
def test_ctrl_c_ends_a_live_screen_with_the_summary():
    """In a terminal the table is live on a screen of its own; Ctrl-C leaves it, prints the summary and exits with 0.

    Who wants no colours gets none.
    """
    seen = ''
    ours, theirs = os.openpty()
    with start('--port', '0', out=theirs, env={'COLUMNS': '80', 'LINES': '40', 'NO_COLOR': '1'}) as process:
        try:
            os.close(theirs)
            interrupted = False
            for text in read_terminal(ours):
                seen += text
                # The first runs' tools: by then it has drawn some screens.
                if not interrupted and 'find_order' in seen:
                    process.send_signal(signal.SIGINT)
                    interrupted = True
            _, err = process.communicate(timeout=20)
        finally:
            process.kill()
            os.close(ours)
    assert (process.returncode, err) == (0, '')
    live, left, rest = seen.partition('\x1b[?1049l')
    assert left
    assert '\x1b[?1049h' in live
    assert not re.search(r'\x1b\[[0-9;]*m', seen)
    assert '\x1b' not in rest
    assert max(map(len, rest.splitlines())) <= 80
    assert SUMMARY.search(rest.replace('\r\n', '\n'))
    assert PLUG_IN[1] in rest


def read_terminal(end: int) -> Iterator[str]:
    """What arrives at a pseudo-terminal, until the other end closes it."""
    while True:
        try:
            data = os.read(end, 65536)
        except OSError:  # How Linux tells that nobody has the other end open any more.
            return
        if not data:
            return
        yield data.decode('utf-8', 'replace')


def test_a_port_in_use_is_one_line(capsys: pytest.CaptureFixture[str]):
    """A busy port is named in one line on stderr, with what to do, and the exit status is 2."""
    with socket.create_server(('127.0.0.1', 0)) as busy:
        port = busy.getsockname()[1]
        assert main(['demo', '--port', str(port), '--for', '1']) == 2
    line = one_line(capsys.readouterr().err)
    assert f'port {port} is in use' in line
    assert '--port' in line


@pytest.mark.parametrize('name', ['nonsense', 'nobody:nothing', ''])
def test_a_bad_model_name_is_one_line(name: str, capsys: pytest.CaptureFixture[str]):
    """An unknown model name is quoted in one line on stderr, and the exit status is 2."""
    assert main(['demo', '--model', name, '--port', '0', '--for', '1']) == 2
    assert f'cannot use model {name!r}: Unknown model' in one_line(capsys.readouterr().err)


def test_a_missing_key_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Without the model's key one line on stderr names the variable, and the exit status is 2."""
    monkeypatch.delenv('OPENAI_API_KEY', raising=False)
    assert main(['demo', '--model', 'openai:gpt-5.2', '--port', '0', '--for', '1']) == 2
    assert 'OPENAI_API_KEY' in one_line(capsys.readouterr().err)


def test_an_own_model_is_used_in_place_of_the_fake_ones():
    """With `--model` the user's endpoint gets the requests, two agents at most at a time, and the output says it costs."""

    def reply(request: ChatRequest) -> Reply:
        assert request.model == 'gpt-4.1-mini'
        return Reply(words('Nine to five.'), first_after=0.05, every=0.01)

    with PacedProvider(reply) as provider:
        env = {'OPENAI_API_KEY': 'none', 'OPENAI_BASE_URL': provider.base_url, 'NO_PROXY': '127.0.0.1'}
        process = start('--model', 'openai-chat:gpt-4.1-mini', '--for', '1', '--port', '0', env=env)
        out, err = finish(process)
        assert (process.returncode, err) == (0, '')
        assert provider.errors == ()
        assert 1 <= len(provider.served) <= 2
    assert 'at whatever its provider charges' in out
    assert re.search(r'^openai:gpt-4\.1-mini +[12] +0 ', out, re.MULTILINE), out
    assert not any(agent in out for agent in AGENTS)


def test_a_model_that_its_provider_refuses_is_one_line():
    """A name or a key that only the provider can refuse ends the demo with one line on stderr and the exit status 2."""
    with PacedProvider(lambda _: Reply(status=401)) as provider:
        env = {'OPENAI_API_KEY': 'wrong', 'OPENAI_BASE_URL': provider.base_url, 'NO_PROXY': '127.0.0.1'}
        process = start('--model', 'openai-chat:gpt-4.1-mini', '--for', '20', '--port', '0', env=env)
        _, err = finish(process)
    assert process.returncode == 2
    assert "cannot use model 'openai-chat:gpt-4.1-mini': 401 from gpt-4.1-mini" in one_line(err)


@pytest.mark.parametrize(
    ('arguments', 'complaint'),
    [
        (['--for', '0'], 'seconds above 0'),
        (['--for', '-1'], 'seconds above 0'),
        (['--for', 'nan'], 'seconds above 0'),
        (['--for', 'soon'], 'seconds above 0'),
        (['--port', '65536'], 'port from 0 to 65535'),
        (['--port', 'http'], 'port from 0 to 65535'),
        (['--bogus'], 'there is no option --bogus'),
    ],
)
def test_a_bad_argument_is_one_line(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]):
    """A bad argument is explained in one line on stderr, and the exit status is 2."""
    with pytest.raises(SystemExit) as exit_:
        main(['demo', *arguments])
    assert exit_.value.code == 2
    assert complaint in one_line(capsys.readouterr().err)


@pytest.mark.parametrize('package', ['rich', 'openai'])
def test_a_missing_extra_is_one_line(package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Without a package of the extra, one line on stderr names both, and the exit status is 2."""
    monkeypatch.setitem(sys.modules, package, None)
    assert main(['demo', '--for', '1', '--port', '0']) == 2
    line = one_line(capsys.readouterr().err)
    assert package in line
    assert 'streamtap[demo]' in line


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]):
    """`streamtap --version` prints the name and the version, and exits with 0."""
    with pytest.raises(SystemExit) as exit_:
        main(['--version'])
    assert exit_.value.code == 0
    assert capsys.readouterr().out == f'streamtap {streamtap.__version__}\n'


def test_the_demo_says_in_one_line_that_pydantic_ai_is_too_old(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Instead of a traceback."""
    monkeypatch.setattr(versions, 'VERSION', '2.0.0')
    assert main(['demo', '--for', '1', '--port', '0']) == 2
    assert capsys.readouterr() == (
        '',
        'streamtap demo: streamtap needs pydantic-ai 2.26 or newer, but 2.0.0 is installed: '
        "pip install --upgrade 'pydantic-ai-slim>=2.26'\n",
    )
