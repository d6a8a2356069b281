"""The servers and proxies of a trial, each a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING, Any

from judges.environment import SCRIPTS
from judges.wire import Exchange
from support.paths import ROOT, TESTS
from support.real_servers import free_port, running, wait_for

if TYPE_CHECKING:
    import signal
    from collections.abc import Generator
    from pathlib import Path


class LlamaServer:
    """llama.cpp's server with one model.

    Args:
        python: The interpreter that has llama.cpp.
        model: The file of the model.
        slots: How many requests it answers at once.
        template: The file of its chat template; the model's own if it is `None`.
    """

    def __init__(self, python: Path, model: Path, *, slots: int = 1, template: Path | None = None) -> None:
        self.port = free_port()
        self._command = [str(python), str(SCRIPTS / 'llama_server.py'), str(model), str(self.port), str(slots)]
        self._command += [] if template is None else [str(template)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, output: Path) -> None:
        """Start it, and wait until its model is loaded.

        Args:
            output: The file that gets what it prints.
        """
        with output.open('ab') as out:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
            )
        wait_for(self._is_ready, f"llama.cpp's server, which says in {output} what is wrong", seconds=60)

    def _is_ready(self) -> bool | None:
        with contextlib.suppress(OSError):
            self._get('/health')
            return True
        return None

    def signal(self, number: signal.Signals) -> None:
        """Stop it, continue it or kill it."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def metrics(self) -> dict[str, float]:
        """Its own counters."""
        lines = [line for line in self._get('/metrics').decode().splitlines() if line and line[0] != '#']
        return {name.removeprefix('llamacpp:'): float(value) for name, value in (line.split() for line in lines)}

    def idle_metrics(self) -> dict[str, float]:
        """The same, once no request is being answered."""
        wait_for(lambda: self.metrics()['requests_processing'] == 0 or None, 'the server to be idle')
        return self.metrics()

    def tokens(self, text: str) -> int:
        """How many tokens a text has, with the special ones that are written in it."""
        return len(self._post('/tokenize', {'content': text, 'parse_special': True})['tokens'])

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(f'http://127.0.0.1:{self.port}{path}', timeout=20) as answer:
            return bytes(answer.read())

    def _post(self, path: str, body: object) -> Any:
        data, headers = json.dumps(body).encode(), {'Content-Type': 'application/json'}
        request = urllib.request.Request(f'http://127.0.0.1:{self.port}{path}', data, headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)


class WireLog:
    """A proxy before a server, and the exchanges that it saw.

    Args:
        port: Where agents reach the server.
        log: The file of the exchanges.
        shape: How the events of a stream leave.
    """

    def __init__(self, port: int, log: Path, shape: str) -> None:
        self.port = port
        self.shape = shape
        self._log = log
        self._read = 0

    def new(self, count: int) -> list[Exchange]:
        """The exchanges that ended since the last look, in the order of their requests.

        Args:
            count: How many to wait for.
        """
        found: list[Exchange] = []

        def look() -> bool | None:
            lines = self._log.read_text(encoding='utf-8').splitlines() if self._log.exists() else []
            found.extend(Exchange(**json.loads(line)) for line in lines[self._read + len(found) :])
            return len(found) >= count or None

        wait_for(look, f'{count} exchanges on the wire')
        self._read += len(found)
        return sorted(found, key=lambda exchange: exchange.asked)


@contextlib.contextmanager
def wire(upstream: int, shape: str, folder: Path) -> Generator[WireLog]:
    """A proxy before a server.

    Args:
        upstream: The port of the server.
        shape: How the events of a stream leave.
        folder: Where its log goes.
    """
    port = free_port()
    log = folder / f'wire-{port}.jsonl'
    command = [sys.executable, '-m', 'judges.wire', str(port), str(upstream), str(log), shape]
    paths = os.pathsep.join((str(TESTS), str(ROOT / 'src')))
    with running(command, port, folder / f'wire-{port}.out', env={**os.environ, 'PYTHONPATH': paths}):
        yield WireLog(port, log, shape)
