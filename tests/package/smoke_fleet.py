"""What DuckDB reads: a journal, reported as it is without."""

from __future__ import annotations

import contextlib
import io
import tempfile
from pathlib import Path

from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

import streamtap
from streamtap._cli import main


def reported(*arguments: str) -> str:
    """What a report says."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert main(['report', *arguments]) == 0
    return out.getvalue()


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / 'runs.jsonl'
    with streamtap.Tap([streamtap.JournalSink(path)]) as tap:
        Agent(TestModel(), name='greeter', capabilities=[tap.capability()]).run_sync('hello')
    found = reported(str(path), '--engine', 'duckdb')
    assert found == reported(str(path), '--engine', 'python')
    assert 'greeter' in found
