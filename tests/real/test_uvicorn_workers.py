"""A real uvicorn with two workers, each of which serves in its lifespan."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from support.real_servers import free_port, running, wait_for

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

APP = """
import contextlib, os
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from streamtap import Tap, live_app, serve

tap = Tap()

@contextlib.asynccontextmanager
async def lifespan(app):
    with serve(tap, port=int(os.environ['METRICS_PORT'])):
        print('ready', flush=True)
        yield

async def pid(request):
    return PlainTextResponse(str(os.getpid()))

app = Starlette(lifespan=lifespan, routes=[Route('/', pid), Mount('/live', live_app(tap))])
"""


def test_the_second_worker_does_not_fail_for_the_port(tmp_path: Path):
    """Both answer, one serves the metrics, and the page is mounted in each."""
    (tmp_path / 'served.py').write_text(APP, encoding='utf-8')
    port, metrics, log = free_port(), free_port(), tmp_path / 'uvicorn.log'
    command = [sys.executable, '-m', 'uvicorn', 'served:app', '--workers', '2', '--port', str(port)]
    environment = {
        **os.environ,
        'METRICS_PORT': str(metrics),
        'PYTHONPATH': os.pathsep.join([str(tmp_path), *sys.path]),
    }
    with running(command, port, log, env=environment, seconds=40) as server:
        wait_for(lambda: log.read_text(encoding='utf-8').count('ready') == 2 or None, 'both workers', seconds=40)
        answers = {httpx.get(f'http://127.0.0.1:{port}/', trust_env=False).text for _ in range(40)}
        assert {answer.isdigit() for answer in answers} == {True}
        assert 'streamtap_build_info' in httpx.get(f'http://127.0.0.1:{metrics}/metrics', trust_env=False).text
        page = httpx.get(f'http://127.0.0.1:{port}/live', follow_redirects=True, trust_env=False)
        assert (page.status_code, page.url.path) == (200, '/live/')
        server.terminate()
        server.wait(30)
    said = log.read_text(encoding='utf-8')
    assert said.count(f'port {metrics} on 127.0.0.1 is in use by another worker of this server') == 1
    assert 'Traceback' not in said
