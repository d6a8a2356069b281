"""The demo's traces: where OpenTelemetry's variables say, and reached from its metrics."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

from streamtap._cli import main
from support.real_servers import free_port, running, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def scrape(url: str) -> str:
    """As Prometheus asks for it: with exemplars."""
    asked = urllib.request.Request(url, headers={'Accept': 'application/openmetrics-text; version=1.0.0'})
    # Not through a proxy of the environment.
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked, timeout=5) as answer:
        return answer.read().decode()


def test_an_exemplar_of_the_demo_leads_to_a_trace_of_the_collector(oteltap: str, tmp_path: Path):
    """A dot on the panel of the blank screen is the trace id of a run that a real collector got."""
    port, output = free_port(), tmp_path / 'spans'
    with running([sys.executable, '-m', oteltap, '--port', str(port)], port, output):
        env = {**os.environ, 'OTEL_EXPORTER_OTLP_ENDPOINT': f'http://127.0.0.1:{port}', 'NO_PROXY': '127.0.0.1'}
        command = [sys.executable, '-m', 'streamtap', 'demo', '--port', '0', '--fault', 'slow-tool']
        with subprocess.Popen(command, stdout=subprocess.PIPE, encoding='utf-8', env=env) as demo:
            try:
                assert demo.stdout is not None
                url = re.search(r'http://\S+', demo.stdout.readline())
                assert url is not None
                dots = r'^pydantic_ai_run_time_to_first_output_seconds_bucket.* # {.*trace_id="(\w+)"'
                found = wait_for(lambda: re.search(dots, scrape(url[0]), re.MULTILINE), 'an exemplar')
            finally:
                demo.terminate()
                demo.communicate(timeout=20)
        assert demo.returncode == 0
        lines = output.read_text(encoding='utf-8').splitlines()
        spans = [json.loads(line) for line in lines if line.startswith('{')]
    names = {span['name'] for span in spans if span.get('traceId') == found[1]}
    assert any(name.startswith('invoke_agent ') for name in names), names


def test_without_the_exporter_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """One line on stderr names the extra, and the exit status is 2."""
    monkeypatch.setenv('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:4318')
    monkeypatch.setitem(sys.modules, 'opentelemetry.exporter.otlp.proto.http.trace_exporter', None)
    assert main(['demo', '--for', '1', '--port', '0']) == 2
    err = capsys.readouterr().err
    assert err.startswith('streamtap demo: to export traces install the extra, streamtap[otel]')
    assert err.count('\n') == 1


def test_an_address_that_is_not_ours_is_one_line(capsys: pytest.CaptureFixture[str]):
    """It is named in one line on stderr, and the exit status is 2."""
    assert main(['demo', '--for', '1', '--port', '0', '--addr', '192.0.2.1']) == 2
    err = capsys.readouterr().err
    assert err.startswith('streamtap demo: cannot listen on 192.0.2.1:0: ')
    assert err.count('\n') == 1
