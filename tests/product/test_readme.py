"""The README reads right in a clone and on a package index."""

from __future__ import annotations

import re

import pytest
import readme_summary

from support.paths import ROOT

README = (ROOT / 'README.md').read_text(encoding='utf-8')
RELATIVE = re.compile(r'\]\((?!https?:)[^)]+\)')


def test_it_shows_the_summary_as_it_is_printed_today():
    """Of scripted agents, to the last character."""
    assert readme_summary.page(README) == README


def test_on_an_index_no_link_leads_nowhere():
    """As long as the repository is nowhere, a link is its text, and a picture what it shows."""
    readme = pytest.importorskip('readme_on_an_index', reason='hatchling builds the package')
    shown = readme.on_an_index(
        'See [doors](docs/doors.md), [AI](https://pydantic.dev).\n\n![A page](docs/p.png)\n', None
    )
    assert shown.startswith('See doors, [AI](https://pydantic.dev).\n\n*Picture: A page.*\n')
    assert RELATIVE.findall(readme.on_an_index(README, None)) == []


def test_on_an_index_links_lead_to_the_repository():
    """Once there is one: pages as pages, pictures as pictures."""
    readme = pytest.importorskip('readme_on_an_index', reason='hatchling builds the package')
    there = 'https://example.com/o/streamtap'
    shown = readme.on_an_index('![A page](docs/p.png) of [doors](docs/doors.md#all)', there)
    assert shown == f'![A page]({there}/raw/HEAD/docs/p.png) of [doors]({there}/blob/HEAD/docs/doors.md#all)'
    assert RELATIVE.findall(readme.on_an_index(README, there)) == []


def test_it_is_short_enough_to_be_read():
    """What is longer belongs on a page of the docs."""
    assert len(README.splitlines()) <= 200
