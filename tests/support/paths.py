"""Where the tests are, and what they look at: no test counts folders."""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parents[1]
"""On the path of every test, and of the programs that tests start."""

ROOT = TESTS.parent
"""The checkout."""
