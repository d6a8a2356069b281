"""Every Python block of the documentation runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
BLOCK = re.compile(r'^```python\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str]]:
    return [
        (f'{page.name}:{text[: found.start()].count(chr(10)) + 2}', found[1])
        for page in PAGES
        for text in [page.read_text(encoding='utf-8')]
        for found in BLOCK.finditer(text)
    ]


@pytest.mark.usefixtures('event_loop_of_the_thread')
@pytest.mark.parametrize('code', [pytest.param(code, id=place) for place, code in blocks()])
def test_the_block_runs(code: str, capsys: pytest.CaptureFixture[str]):
    """With nothing but what it imports itself."""
    # Any free port instead of the one that is shown: something on this machine may hold it.
    exec(compile(code.replace('port=9464', 'port=0'), 'block', 'exec'), {'__name__': '__main__'})
    if 'print(tap.usage.summary())' in code:
        shown = capsys.readouterr().out
        assert 'greeter' in shown
        assert 'weather' in shown
        labels = {'agent': 'greeter', 'door': 'capability', 'outcome': 'success'}
        assert REGISTRY.get_sample_value('pydantic_ai_runs_total', labels) == 1


def test_the_readme_has_blocks():
    """So that the test above cannot pass for lack of any."""
    assert len([place for place, _ in blocks() if place.startswith('README')]) >= 4


def test_links_lead_somewhere():
    """Every relative link of a page names a file that is there."""
    for page in PAGES:
        for target in re.findall(r'\]\(([^)#:]+)\)', page.read_text(encoding='utf-8')):
            assert (page.parent / target).exists(), f'{page.name}: {target}'
