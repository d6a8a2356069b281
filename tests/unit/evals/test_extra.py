"""What needs the extra says so."""

from __future__ import annotations

import subprocess
import sys

WITHOUT = """
import importlib.util as util
find = util.find_spec
util.find_spec = lambda name, package=None: None if name == 'pydantic_evals' else find(name, package)
import streamtap.evals
"""


def test_without_pydantic_evals_the_import_names_the_extra():
    """Whatever else is installed."""
    ran = subprocess.run([sys.executable, '-c', WITHOUT], capture_output=True, text=True, check=False, timeout=50)
    said = 'ImportError: streamtap.evals needs pydantic-evals: install the extra, streamtap[evals]'
    assert ran.stderr.splitlines()[-1] == said
