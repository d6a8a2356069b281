"""The servers and proxies of a trial, each a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import urllib.request
from abc import ABC, abstractmethod
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

from judges.environment import SCRIPTS
from judges.wire import Exchange
from support.paths import ROOT, TESTS
from support.real_servers import free_port, running, wait_for

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Counts:
    """What a server counts of its own work, of all requests together.

    Args:
        running: Requests that it answers now.
        input_tokens: Cached ones included.
        cached_tokens: Those of the input that it had read before.
        output_tokens: Those that it wrote.
        decode_seconds: From the first token of each answer to its last.
    """

    running: float
    input_tokens: float
    cached_tokens: float
    output_tokens: float
    decode_seconds: float

    def since(self, before: Counts) -> Counts:
        """What was added.

        Args:
            before: What was counted before.
        """
        return Counts(*(now - then for now, then in zip(astuple(self), astuple(before), strict=True)))


class Server(ABC):
    """A server of one model, in a process of its own, which may have others.

    Args:
        name: What it is, for people.
        port: The port on loopback.
        command: What starts it.
        env: Its environment, if not this process's own.
    """

    def __init__(self, name: str, port: int, command: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        self.port = port
        self._name = name
        self._command = command
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, output: Path) -> None:
        """Start it, and wait until its model is loaded.

        Args:
            output: The file that gets what it prints.
        """
        with output.open('ab') as out:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=self._env,
                start_new_session=True,
            )
        wait_for(self._is_ready, f'{self._name}, which says in {output} what is wrong', seconds=180)

    def _is_ready(self) -> bool | None:
        with contextlib.suppress(OSError):
            self.get('/health')
            return True
        return None

    def signal(self, number: signal.Signals) -> None:
        """Stop it, continue it or kill it."""
        assert self._process is not None
        os.killpg(self._process.pid, number)

    def stop(self) -> None:
        """End its processes."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    @abstractmethod
    def counts(self) -> Counts:
        """Its own counters."""

    def idle_counts(self) -> Counts:
        """The same, once no request is being answered."""
        return wait_for(lambda: None if (counts := self.counts()).running else counts, 'the server to be idle')

    @abstractmethod
    def tokens(self, text: str) -> int:
        """How many tokens a text has, with the special ones that are written in it."""

    def get(self, path: str) -> bytes:
        """What it answers to a GET.

        Args:
            path: Of what.
        """
        with urllib.request.urlopen(f'http://127.0.0.1:{self.port}{path}', timeout=20) as answer:
            return bytes(answer.read())

    def post(self, path: str, body: object) -> Any:
        """What it answers to a POST of JSON.

        Args:
            path: Where to.
            body: Of the request.
        """
        data, headers = json.dumps(body).encode(), {'Content-Type': 'application/json'}
        request = urllib.request.Request(f'http://127.0.0.1:{self.port}{path}', data, headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)


class LlamaServer(Server):
    """llama.cpp's server.

    Args:
        python: The interpreter that has llama.cpp.
        model: The file of the model.
        slots: How many requests it answers at once.
        template: The file of its chat template; the model's own if it is `None`.
    """

    def __init__(self, python: Path, model: Path, *, slots: int = 1, template: Path | None = None) -> None:
        port = free_port()
        command = [str(python), str(SCRIPTS / 'llama_server.py'), str(model), str(port), str(slots)]
        super().__init__("llama.cpp's server", port, command + ([] if template is None else [str(template)]))

    def counts(self) -> Counts:
        lines = [line for line in self.get('/metrics').decode().splitlines() if line and line[0] != '#']
        found = {name.removeprefix('llamacpp:'): float(value) for name, value in (line.split() for line in lines)}
        cached = found.get('prompt_tokens_cached_total', 0)
        return Counts(
            running=found['requests_processing'],
            input_tokens=found['prompt_tokens_total'] + cached,
            cached_tokens=cached,
            output_tokens=found['tokens_predicted_total'],
            decode_seconds=found['tokens_predicted_seconds_total'],
        )

    def tokens(self, text: str) -> int:
        return len(self.post('/tokenize', {'content': text, 'parse_special': True})['tokens'])


class WireLog:
    """A proxy in front of a server, and the exchanges that it saw.

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
            written = self._log.read_text(encoding='utf-8') if self._log.exists() else ''
            # The last line may be half written.
            lines = written.rpartition('\n')[0].splitlines()
            found.extend(Exchange(**json.loads(line)) for line in lines[self._read + len(found) :])
            return len(found) >= count or None

        wait_for(look, f'{count} exchanges on the wire')
        self._read += len(found)
        return sorted(found, key=lambda exchange: exchange.asked)


@contextlib.contextmanager
def wire(upstream: int, shape: str, folder: Path) -> Generator[WireLog]:
    """A proxy in front of a server.

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
