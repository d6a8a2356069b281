"""Every Python block of the documentation runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted((ROOT / 'docs').rglob('*.md'))]
# Prefect needs an environment of its own, so its block is marked `py`.
BLOCK = re.compile(r'^```python\n(?:# (\w+\.py)\n)?(.*?)^```$', re.MULTILINE | re.DOTALL)
WORKFLOW = re.compile(r'^```yaml\n# (\.github/workflows/[^\n]+)\n(.*?)^```$', re.MULTILINE | re.DOTALL)
CONFIGURATION = re.compile(r'^```yaml\n((?:rule_files|scrape_configs):.*?)^```$', re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A block of a page, and the name of the file that its first line says it is."""

    page: Path
    place: str
    file: str | None
    code: str


def blocks() -> list[Block]:
    return [
        Block(page, f'{page.name}:{text[: found.start()].count(chr(10)) + 2}', found[1], found[2])
        for page in PAGES
        for text in [page.read_text(encoding='utf-8')]
        for found in BLOCK.finditer(text)
    ]


@pytest.fixture(scope='module')
def posted() -> Iterator[tuple[str, list[str]]]:
    """A server that takes anything, and the paths of what was posted to it."""
    paths: list[str] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers['Content-Length']))
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_request(self, code: object = '-', size: object = '-'):
            """Say nothing."""

    with ThreadingHTTPServer(('127.0.0.1', 0), Taker) as server:
        Thread(target=server.serve_forever).start()
        yield f'http://127.0.0.1:{server.server_port}', paths
        server.shutdown()


@pytest.mark.parametrize('block', [pytest.param(block, id=block.place) for block in blocks()])
def test_the_block_runs(block: Block, tmp_path: Path, posted: tuple[str, list[str]]):
    """With nothing but what it imports itself and the page's other files, in a process of its own."""
    if 'streamtap.evals' in block.code:
        pytest.importorskip('pydantic_evals', reason='`make evals` makes an environment that has it')
    for other in blocks():
        if other.page == block.page and other.file is not None:
            (tmp_path / other.file).write_text(other.code, encoding='utf-8')
    # Any free port instead of the one that is shown: something on this machine may hold it.
    (tmp_path / 'block.py').write_text(block.code.replace('port=9464', 'port=0'), encoding='utf-8')
    program = ['-m', 'pytest', block.file] if block.file and block.file.startswith('test_') else ['block.py']
    command = [sys.executable, '-W', 'error', *program]
    endpoint, paths = posted
    env = {**os.environ, 'OTEL_EXPORTER_OTLP_ENDPOINT': endpoint, 'OPENAI_API_KEY': 'not needed'}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    if 'print(tap.usage.summary())' in block.code:
        assert 'greeter' in done.stdout
    if 'def weather(' in block.code:
        assert 'weather' in done.stdout
    if 'OTLPSpanExporter' in block.code:
        assert {'/v1/traces', '/v1/metrics'} <= set(paths)


def test_prometheus_takes_the_configuration(each_promtool: str, tmp_path: Path):
    """That a page shows, in the releases that distributions have and in the newest."""
    shown = [found for page in PAGES for found in CONFIGURATION.findall(page.read_text(encoding='utf-8'))]
    assert shown
    for number, configuration in enumerate(shown):
        file = tmp_path / f'{number}.yml'
        file.write_text(configuration, encoding='utf-8')
        done = subprocess.run([each_promtool, 'check', 'config', file], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_github_takes_the_workflows(tmp_path: Path):
    """That a page shows: each is what its schema says, and its commands are shell."""
    shown = [found for page in PAGES for found in WORKFLOW.findall(page.read_text(encoding='utf-8'))]
    assert [name for name, _ in shown] == ['.github/workflows/agents.yml']
    for _, workflow in shown:
        file = tmp_path / 'workflow.yml'
        file.write_text(workflow, encoding='utf-8')
        check = [sys.executable, '-m', 'check_jsonschema', '--builtin-schema', 'vendor.github-workflows', str(file)]
        checked = subprocess.run(check, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout
        jobs: dict[str, Any] = yaml.safe_load(workflow)['jobs']
        for command in (step['run'] for job in jobs.values() for step in job['steps'] if 'run' in step):
            subprocess.run(['bash', '-n', '-c', command], check=True)


def test_the_readme_has_blocks():
    """So that the test above cannot pass for lack of any."""
    assert len([block for block in blocks() if block.page.name == 'README.md']) >= 4


def test_links_lead_somewhere():
    """Every relative link of a page names a file that is there."""
    for page in PAGES:
        for target in re.findall(r'\]\(([^)#:]+)\)', page.read_text(encoding='utf-8')):
            assert (page.parent / target).exists(), f'{page.name}: {target}'


def tables(text: str) -> list[list[str]]:
    """The lines of a page that begin with a bar, outside its code: those that follow each other are a table."""
    text = re.sub(r'^```.*?^```$', '', text, flags=re.MULTILINE | re.DOTALL)
    return [found.splitlines() for found in re.findall(r'(?:^\|.*\n?)+', text, re.MULTILINE)]


def cells(row: str) -> int:
    """How many cells a row has: a bar in code divides nothing."""
    return len(re.findall(r'(?<!\\)\|', re.sub(r'`[^`]*`', '', row))) - 1


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_each_row_belongs_to_a_table(page: Path):
    """Each table has a head, and a row as many cells as that; a row after a blank line would be a paragraph."""
    for head, *others in tables(page.read_text(encoding='utf-8')):
        assert others, f'this row is cut off from its table: {head}'
        assert re.fullmatch(r'\|( ?:?-+:? ?\|)+', others[0]), f'no line under this head: {head}'
        assert {row: cells(row) for row in others if cells(row) != cells(head)} == {}


@pytest.mark.parametrize('package', ['streamtap', 'streamtap.testing', 'streamtap.evals'])
def test_every_public_name_is_on_a_page_of_the_api(package: str):
    """And nothing else is."""
    if package == 'streamtap.evals':
        pytest.importorskip('pydantic_evals', reason='`make evals` makes an environment that has it')
    pages = ''.join(page.read_text(encoding='utf-8') for page in (ROOT / 'docs' / 'api').glob('*.md'))
    shown = re.findall(rf'^::: {package}\.(\w+)$', pages, re.MULTILINE)
    names: list[str] = import_module(package).__all__
    assert sorted(shown) == sorted(name for name in names if not name.startswith('__'))


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_each_test_that_a_page_names_is_there(page: Path):
    """A promise is held by it."""
    named = re.findall(r'`(tests/[\w/.]+)`', page.read_text(encoding='utf-8'))
    assert [path for path in named if not (ROOT / path).exists()] == []


SEARCHED = {
    'FastAPI': 'guides/fastapi.md',
    'tenant': 'guides/tenants.md',
    'cost per': 'guides/tenants.md',
    'OpenRouter': 'guides/openrouter.md',
    'Jupyter': 'guides/jupyter.md',
    'MCP': 'guides/mcp.md',
    'slow tool': 'guides/mcp.md',
    'blank screen': 'guides/questions.md',
    'Prometheus': 'guides/prometheus.md',
    'Grafana': 'guides/prometheus.md',
    'Langfuse': 'guides/langfuse.md',
    'Logfire': 'logfire.md',
    'CI': 'guides/ci.md',
    'Celery': 'guides/workers.md',
    'multiprocess': 'guides/workers.md',
    'Kubernetes': 'guides/kubernetes.md',
    'Temporal': 'durable.md',
    'pytest': 'testing.md',
}
"""What people type into the search, and the page that it should lead to."""


@pytest.mark.parametrize('word', SEARCHED)
def test_the_search_finds_the_page(word: str):
    """Its title has the word, which counts more than any text."""
    title = (ROOT / 'docs' / SEARCHED[word]).read_text(encoding='utf-8').partition('\n')[0]
    assert re.search(rf'\b{word}s?\b', title, re.IGNORECASE)
