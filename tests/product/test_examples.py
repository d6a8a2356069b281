"""Every example runs as it stands, in a process of its own, with warnings as errors, and shows what it says."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from streamtap import RunRecord, read_journal
from streamtap._sinks.prometheus.multiprocess import EveryProcess
from support.paths import ROOT
from support.pydantic_ai_features import needs
from support.real_servers import free_port, running, wait_for
from support.required import missing

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

EXAMPLES = ROOT / 'examples'
SECONDS = 50

PRINTED = {
    'minimal': ['{"weather":"It is sunny in a."}', 'greeter * 2 * 1 *', 'greeter/weather  function *'],
    'run_stream_progress': [
        '  ... 0 chunks, silent for *',
        'Once',
        '  ... 4 chunks, silent for 0.* s',
        'fox.',
        '8 chunks, first after *, longest gap *',
    ],
    'structured_output': [
        'Toast',
        'Toast | Cut the bread. | Toast it. | Butter it.',
        'first output after * complete after *',
    ],
    'cancel_mid_stream': [
        'Once upon a time there was a fox*',
        'cancelled: * chunks, tokens None, error None',
        'the provider had sent * of 209 words',
    ],
    'parallel_streams': ['10 answers', 'chat  *10 *', 'openai:gpt-4.1-mini *10 *'],
    'concurrent_agents': ['triage    queue 0.0 s  model *', 'research  queue 0.[3-9] s  model *', 'total * 16 *'],
    'async_tools': [
        'railways    0.0 s  retried  model_retry',
        'flights     0.4 s  success',
        'book        0.2 s  success',
        'railways    0.0 s  success',
        'the run: 0.* s in tools of *',
    ],
    'retry_with_timeout': ['attempt 1 timed out', 'I am here.', 'timeout after *', 'success after *'],
    'pipeline': [
        'Foxes eat mice.',
        '2200 tokens in, 1040 out, $0.0025',
        'edit *',
        'outline *',
        'write *',
        'total * 3 *',
    ],
    'team': [
        'Rome was founded in 753 BC, or so they say.',
        'editor: success, requests: 2, $0.00151',
        '  historian: success, requests: 1, $0.00058',
        '  critic: success, requests: 1, $0.00056',
        'together $0.00265',
    ],
    'batches': [
        'document 19: the provider hung up',
        "from 0: {'success': 24, 'error': 1}, 72 tokens, *",
        "from 25: {'success': 25}, 75 tokens, *",
        "from 50: {'success': 24, 'error': 1}, 72 tokens, *",
        "from 75: {'success': 25}, 75 tokens, *",
    ],
    'worker': [
        'metrics on http://127.0.0.1:*/metrics',
        'job 2: ConnectionError',
        'job 4: Processed.',
        'worker * 5 * 1 error *',
    ],
    'durable_dbos': [
        'first: It is sunny.',
        'runs: 1, requests: 2, tool calls: 1',
        'again: It is sunny.',
        'runs: 1, requests: 2, tool calls: 1',
    ],
    'cost_by_tenant': [
        'feature=drafts *',
        'tenant=acme *',
        'search: $0.000276',
        'drafts: $0.000136',
    ],
    'evaluate': [
        'short answer: passed  FirstOutputWithin     first output: * (support)',
        'short answer: passed  RunWithin             longest run: * (support)',
        'short answer: passed  MaxCost               cost: $0.0000*',
        'short answer: passed  MaxRepeatedToolCalls  repeated tool calls: 0',
        'long answer: passed  RunWithin             longest run: * (support)',
        'a loop: FAILED  MaxRepeatedToolCalls  repeated tool calls: 2 (support/search), at most 0',
        'cost of all cases: $0.00*',
    ],
    'openrouter_costs': [
        'openrouter  anthropic/claude-sonnet-4.5  $0.00420  provider',
        'litellm     anthropic/claude-sonnet-4.5  $0.00600  list',
        'litellm     house-model                  $0.00020  price',
        'together $0.01040',
    ],
    'mcp_tools/agent': [
        'reserve   * s  retried  model_retry',
        'reserve   * s  success',
        'librarian/find * mcp * 1 *',
        'librarian/reserve * mcp * 2 * 1 retried *',
    ],
    'langfuse_traces/agent': [
        'Hello to you.',
        'invoke_agent greeter',
        '  chat slow, first token after 0.[3-9] s',
        '    text',
    ],
    'own_sink': ['{"agent": "logged", "outcome": "success", *}', '{"agent": "logged", "outcome": "success", *}'],
    'own_handler': [
        'looking up the weather ...',
        '... sunny in a',
        'It is sunny in Rome.',
        'success after *, 0.[2-9] s of it in the handler',
    ],
}
"""What each prints, in this order, among other lines."""
OTHERS = {'fastapi_streaming', 'gunicorn_workers', 'celery_worker', 'gradio_chat', 'notebook'}
"""Those that have a test of their own."""
MODULES = {'durable_dbos': 'dbos', 'mcp_tools/agent': 'fastmcp', 'langfuse_traces/agent': 'langfuse'}
"""What some are about."""

pytestmark = [needs('run_timeouts'), pytest.mark.timeout(SECONDS + 10)]


def environment(**more: str) -> dict[str, str]:
    """For a process that imports the tap from where the tests do."""
    return {**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, sys.path)), **more}


@pytest.mark.parametrize('name', PRINTED)
def test_the_example_prints_what_it_says(name: str, tmp_path: Path):
    """And nothing else than its output: no warning, no log."""
    if name == 'evaluate':
        pytest.importorskip('pydantic_evals', reason='`make evals` makes an environment that has it')
    if name in MODULES:
        needs_module(MODULES[name])
    ran = subprocess.run(
        [sys.executable, '-W', 'error', EXAMPLES / f'{name}.py'],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert (ran.returncode, ran.stderr) == (0, '')
    pytest.LineMatcher(ran.stdout.splitlines()).fnmatch_lines(PRINTED[name])


def test_fastapi_streams_both_ways_and_shows_the_blank_screen(tmp_path: Path):
    """Each piece is one event or one line; a client that leaves in mid-stream ends its run; the page needs a login."""
    needs_module('fastapi')
    port = free_port()
    command = [sys.executable, '-W', 'error', str(EXAMPLES / 'fastapi_streaming.py'), str(port)]
    with serving(command, port, tmp_path, LIVE_PASSWORD='secret') as client:
        told = ['Because ', 'the ', 'sky ', 'scatters ', 'blue ', 'light ', 'most. ']
        asked = {'question': 'Why is the sky blue?'}
        events = client.get('/sse', params=asked)
        assert events.headers['content-type'].startswith('text/event-stream')
        assert [line for line in events.text.splitlines() if line] == [f'data: {{"text":"{word}"}}' for word in told]
        assert client.get('/ndjson', params=asked).text.splitlines() == [f'{{"text":"{word}"}}' for word in told]
        with client.stream('GET', '/sse', params=asked) as left:
            next(left.iter_lines())
        cancelled = 'pydantic_ai_runs_total{agent="physicist",door="capability",nested="false",outcome="cancelled"} 1.0'
        wait_for(lambda: cancelled in client.get('/metrics/').text or None, 'the cancelled run', seconds=SECONDS)
        metrics = client.get('/metrics/').text
        logins = [None, ('admin', ''), ('admin', 'secret')]
        assert [client.get('/live/', auth=login).status_code for login in logins] == [401, 401, 200]
    assert 'pydantic_ai_runs_total{agent="physicist",door="capability",nested="false",outcome="success"} 2.0' in metrics
    assert 'pydantic_ai_run_time_to_first_output_seconds_count{agent="physicist"} 3.0' in metrics


def test_gunicorn_workers_show_the_sum_of_all(tmp_path: Path):
    """Also of a worker that died: whichever worker answers, no run is missing and none is in progress."""
    needs_module('uvicorn_worker')
    port = free_port()
    here = EXAMPLES / 'gunicorn_workers'
    options = ['--chdir', str(here), '--config', str(here / 'settings.py'), '--bind', f'127.0.0.1:{port}']
    command = [sys.executable, '-m', 'gunicorn', *options, '--no-control-socket', 'app:app']
    files = tmp_path / 'multiprocess'
    files.mkdir()
    with serving(command, port, tmp_path, PROMETHEUS_MULTIPROC_DIR=str(files)) as client:
        answered: list[int] = []

        def ask() -> int:
            answered.append(client.get('/answer', params={'question': 'Why?'}).json()['worker'])
            return answered[-1]

        first = ask()
        wait_for(lambda: ask() != first or None, 'an answer of the other worker', seconds=SECONDS)
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: ask() not in answered[:-1] or None, 'an answer of a new worker', seconds=SECONDS)
        total = f'pydantic_ai_runs_total{{agent="oracle",door="capability",nested="false",outcome="success"}} {len(answered)}.0'
        assert total in client.get('/metrics/').text
        idle = 'pydantic_ai_runs_in_progress{agent="oracle"} 0.0'
        wait_for(lambda: idle in client.get('/metrics/').text or None, 'no run in progress', seconds=SECONDS)


def test_celery_processes_are_one_sum_and_lose_no_run(tmp_path: Path):
    """Every process of the worker has its own journal; when the worker has ended, all are complete, and one file of each type is left."""
    needs_module('celery')
    port, queue, files = free_port(), tmp_path / 'queue', tmp_path / 'multiprocess'
    queue.mkdir()
    files.mkdir()
    here = EXAMPLES / 'celery_worker'
    more = {'PROMETHEUS_MULTIPROC_DIR': str(files), 'METRICS_PORT': str(port)}
    # Root is warned.
    strict = [sys.executable, '-W', 'error', '-W', "ignore:You're running the worker"]
    command = [*strict, '-m', 'celery', '--workdir', str(here), '--app', 'tasks', 'worker', '--concurrency', '2']
    with serving(command, port, tmp_path, QUEUE=str(queue), **more) as client:
        sent = subprocess.run(
            [sys.executable, '-W', 'error', here / 'send.py'],
            env=environment(QUEUE=str(queue)),
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        assert (sent.returncode, sent.stderr, sent.stdout.split()) == (0, '', ['Short.'] * 10)
        total = 'pydantic_ai_runs_total{agent="summary",door="capability",nested="false",outcome="success"} 10.0'
        assert total in client.get('/metrics').text
    journals = {path.stem.removeprefix('runs-'): path for path in queue.glob('runs-*.jsonl')}
    records = [record for journal in journals.values() for record in read_journal(journal)]
    runs = [record for record in records if isinstance(record, RunRecord)]
    assert [run.outcome for run in runs] == ['success'] * 10
    counted = {
        sample.name: sample.value
        for family in EveryProcess(files).collect()
        for sample in family.samples
        if sample.labels.get('outcome') == 'success'
    }
    assert counted['pydantic_ai_runs_total'] == 10
    assert sorted(path.name for path in files.glob('*.db')) == [
        'counter_streamtap-ended.db',
        'histogram_streamtap-ended.db',
    ]


def test_gradio_streams_and_shows_the_blank_screen(tmp_path: Path):
    """The answer grows, and then the table has its run."""
    needs_module('gradio', '`pip install gradio` gives it, and 280 MB')
    port = free_port()
    # Gradio itself leaves sockets open, which would be warnings.
    with serving([sys.executable, str(EXAMPLES / 'gradio_chat.py'), str(port)], port, tmp_path) as client:
        asked = client.post('/gradio_api/call/answer', json={'data': ['Why is the sky blue?']}).json()['event_id']
        events = client.get(f'/gradio_api/call/answer/{asked}').text.splitlines()
    shown = [json.loads(line.removeprefix('data: ')) for line in events if line.startswith('data: ')]
    assert (shown[0][0], shown[0][-1]) == ('Because ', [])
    assert shown[-1][0] == 'Because the sky scatters blue light most. '
    ((outcome, blank_screen, _),) = shown[-1][-1]
    assert outcome == 'success'
    assert 0.3 <= blank_screen < SECONDS


def test_the_notebook_shows_its_tables(tmp_path: Path):
    """It is kept without outputs, and run as it stands it has tables and says nothing else."""
    needs_module('nbclient')
    needs_module('ipykernel')
    path = EXAMPLES / 'notebook.ipynb'
    kept = [cell for cell in json.loads(path.read_text(encoding='utf-8'))['cells'] if cell['cell_type'] == 'code']
    assert [(cell['outputs'], cell['execution_count']) for cell in kept] == [([], None)] * len(kept)
    run = 'from nbclient.cli import main; main()'
    options = ['--KernelManager.transport=ipc', f'--output={tmp_path / "run.ipynb"}']
    subprocess.run(
        [sys.executable, '-c', run, path, *options], cwd=tmp_path, env=environment(), check=True, timeout=SECONDS
    )
    cells = json.loads((tmp_path / 'run.ipynb').read_text(encoding='utf-8'))['cells']
    outputs = [output for cell in cells for output in cell.get('outputs', [])]
    assert [output['output_type'] for output in outputs] == ['execute_result'] * 3
    first, second = (''.join(output['data']['text/html']) for output in outputs[1:])
    row = '<th scope="row">zoologist</th><td class="">{}</td>'
    assert row.format(1) in first
    assert row.format(4) in second


def test_the_list_has_every_example():
    """And every example is tried here."""
    found = {path.stem for path in EXAMPLES.iterdir() if path.suffix in {'.py', '.ipynb'} or path.is_dir()}
    found -= {'__pycache__'}
    assert found == {name.partition('/')[0] for name in PRINTED} | OTHERS
    listed = (EXAMPLES / 'README.md').read_text(encoding='utf-8')
    assert [name for name in sorted(found) if f'| [{name}' not in listed] == []


def needs_module(name: str, remedy: str = "`pip install 'streamtap[examples]'` gives it") -> None:
    """Skip a test, or in CI fail it, where what the example is about is not installed."""
    if importlib.util.find_spec(name) is None:
        missing(name, remedy)


@contextlib.contextmanager
def serving(command: list[str], port: int, directory: Path, **more: str) -> Generator[httpx.Client]:
    """A client of a server that listens; when it ends as it is told to, it has warned of nothing."""
    output = directory / 'output'
    # A connection for each request, as each may then reach another worker.
    limits = httpx.Limits(max_keepalive_connections=0)
    client = httpx.Client(base_url=f'http://127.0.0.1:{port}', limits=limits, trust_env=False, timeout=SECONDS)
    with running(command, port, output, env=environment(**more), seconds=SECONDS) as server, client:
        try:
            yield client
        finally:
            # Not killed: its workers would stay.
            server.terminate()
            server.wait(SECONDS)
    printed = output.read_text(encoding='utf-8')
    assert 'Traceback' not in printed, printed
    assert 'Warning' not in printed, printed
