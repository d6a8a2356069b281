"""Every Python block of the documentation runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import streamtap
import streamtap.testing

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted((ROOT / 'docs').glob('*.md'))]
BLOCK = re.compile(r'^```python\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str]]:
    return [
        (f'{page.name}:{text[: found.start()].count(chr(10)) + 2}', found[1])
        for page in PAGES
        for text in [page.read_text(encoding='utf-8')]
        for found in BLOCK.finditer(text)
    ]


@pytest.mark.parametrize('code', [pytest.param(code, id=place) for place, code in blocks()])
def test_the_block_runs(code: str):
    """With nothing but what it imports itself, in a process of its own."""
    # Any free port instead of the one that is shown: something on this machine may hold it.
    program = code.replace('port=9464', 'port=0')
    command = [sys.executable, '-W', 'error', '-c', program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    if 'print(tap.usage.summary())' in code:
        assert 'greeter' in done.stdout
    if 'def weather(' in code:
        assert 'weather' in done.stdout


def test_the_readme_has_blocks():
    """So that the test above cannot pass for lack of any."""
    assert len([place for place, _ in blocks() if place.startswith('README')]) >= 4


def test_links_lead_somewhere():
    """Every relative link of a page names a file that is there."""
    for page in PAGES:
        for target in re.findall(r'\]\(([^)#:]+)\)', page.read_text(encoding='utf-8')):
            assert (page.parent / target).exists(), f'{page.name}: {target}'


@pytest.mark.parametrize('package', [streamtap, streamtap.testing], ids=lambda package: package.__name__)
def test_every_public_name_is_on_the_page_of_the_api(package: ModuleType):
    """And nothing else is."""
    page = (ROOT / 'docs' / 'api.md').read_text(encoding='utf-8')
    shown = re.findall(rf'^::: {package.__name__}\.(\w+)$', page, re.MULTILINE)
    assert sorted(shown) == sorted(name for name in package.__all__ if not name.startswith('__'))
