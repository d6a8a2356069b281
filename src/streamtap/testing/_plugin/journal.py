"""`--streamtap-journal`: what the captures of a test session recorded, in one journal."""

from __future__ import annotations

import os
import sys
import weakref
from typing import TYPE_CHECKING

import pytest

from streamtap._base.files import open_to_write
from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
from streamtap._sinks.journal.reader import journal_files
from streamtap._sinks.journal.sink import JournalSink
from streamtap.testing._plugin.captures import captures_of

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from streamtap.testing._memory import Capture

OPTION = '--streamtap-journal'


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.getgroup('streamtap').addoption(
        OPTION,
        metavar='PATH',
        help='write what the captures of this session record to a new journal, for `streamtap report`',
    )


def pytest_configure(config: pytest.Config) -> None:
    """Write a journal if one is asked for."""
    asked: str | None = config.getoption('streamtap_journal', None)
    if asked is None:
        return
    path = config.invocation_params.dir / asked
    # A worker of pytest-xdist writes a file of its own beside it.
    worker: str | None = getattr(config, 'workerinput', {}).get('workerid')
    if worker is None:
        _check_new(path)
        # Workers may be started elsewhere.
        config.option.streamtap_journal = str(path)
        config.pluginmanager.register(SessionJournal(path))
    else:
        config.pluginmanager.register(WorkerJournal(_of_worker(path, worker)))


class WorkerJournal:
    """Writes what the captures of each test recorded when that test has been torn down.

    Args:
        path: The file to write.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # Rotated files would be parts of it that nobody carries along.
        self._sink = JournalSink(path, max_bytes=sys.maxsize)
        self._written: weakref.WeakKeyDictionary[Capture, int] = weakref.WeakKeyDictionary()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, None, None]:
        """Only then is every run reported, those that were still open too."""
        captures = captures_of(item)
        try:
            yield
        finally:
            for seen in captures.values():
                self._write(seen)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Close the file."""
        self._sink.close()

    def _write(self, seen: Capture) -> None:
        """Write what is new: a fixture of a module or of the session has the same capture for many tests."""
        moments = seen.moments()
        for _, fact in moments[self._written.get(seen, 0) :]:
            if isinstance(fact, RunRecord):
                self._sink.run_ended(fact)
            elif isinstance(fact, ResponseRecord):
                self._sink.response_ended(fact)
            elif isinstance(fact, ToolRecord):
                self._sink.tool_ended(fact)
        self._written[seen] = len(moments)


class SessionJournal(WorkerJournal):
    """The journal of the whole session, which has at its end what any workers wrote."""

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Gather what the workers wrote; they are done by now."""
        super().pytest_sessionfinish()
        for part in _of_workers(self._path):
            lines = part.read_bytes()
            with os.fdopen(open_to_write(self._path, os.O_WRONLY | os.O_APPEND), 'ab') as whole:
                # The last line of a worker that was killed may be cut.
                whole.write(lines if lines.endswith(b'\n') else lines + b'\n')
            part.unlink()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say where it is."""
        if self._path.exists():
            terminalreporter.write_line(f'streamtap: the journal of this session is {self._path}')
        else:
            terminalreporter.write_line(f'streamtap: no capture recorded anything, so there is no {self._path}')


def _of_worker(path: Path, worker: str) -> Path:
    return path.with_name(f'{path.name}.{worker}')


def _of_workers(path: Path) -> list[Path]:
    return sorted(each for each in path.parent.iterdir() if each.name.startswith(f'{path.name}.gw'))


def _check_new(path: Path) -> None:
    """Refuse what would mix this session with another."""
    if not path.parent.is_dir():
        raise pytest.UsageError(f'{OPTION}: there is no folder {path.parent}')
    if older := [each for each in (*journal_files(path), *_of_workers(path)) if each.exists()]:
        raise pytest.UsageError(f'{OPTION}: {older[0]} is there already: remove it, or give another path')
