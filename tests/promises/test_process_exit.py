"""Processes that end while runs are open, at each door and in each place: what a sink still hears."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from support.doors import DOORS
from support.ending_process import PLACES
from support.paths import TESTS

PROGRAM = TESTS / 'support' / 'ending_process.py'


def process_that(ends: str) -> tuple[int, list[str], list[str]]:
    """The exit status, what a sink was told, and what was printed as errors."""
    path = os.pathsep.join(sys.path)
    environment = {**os.environ, 'PYTHONPATH': path}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), ends], env=environment, capture_output=True, text=True, check=False, timeout=45
    )
    return done.returncode, sorted(done.stdout.splitlines()), done.stderr.splitlines()


def each(outcome: str) -> list[str]:
    """Every run once, with that outcome."""
    return sorted(f'{door} {place} {outcome}' for door in DOORS for place in PLACES)


def test_an_interrupted_process_cancelled_its_runs():
    """Ctrl-C is the user's own stop; there is nothing on the screen but the traceback that Python makes of it."""
    status, told, errors = process_that('interrupt')
    assert told == each('cancelled')
    assert status == -signal.SIGINT
    assert errors[-1] == 'KeyboardInterrupt'
    assert not [line for line in errors if line.startswith(('streamtap', 'Exception ignored', 'Task '))]


@pytest.mark.parametrize('how', ['exit', 'exit in a task'])
def test_a_process_that_exits_cancelled_its_runs(how: str):
    """The loop cancels what is open; each run is told once, and nothing else."""
    assert process_that(how) == (3, each('cancelled'), [])


def test_runs_that_are_open_when_the_main_coroutine_returns_are_cancelled():
    """As asyncio cancels their tasks."""
    assert process_that('return') == (0, each('cancelled'), [])


def test_runs_of_a_loop_that_nobody_ends_are_incomplete():
    """At the interpreter's exit nobody knows what would have become of them."""
    status, told, errors = process_that('leave')
    assert (status, told) == (0, each('incomplete'))
    assert not [line for line in errors if 'streamtap:' in line]


def test_a_process_that_is_killed_reports_nothing():
    """Python's default for SIGTERM leaves no time for anything."""
    assert process_that('terminate') == (-signal.SIGTERM, [], [])
