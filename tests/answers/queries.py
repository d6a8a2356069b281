"""The queries of the documentation: the question that each stands under, and how they count from the first sample."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGE = ROOT / 'docs' / 'queries.md'

WINDOW = '1h'
"""The time that the page asks for."""


def questions(page: Path = PAGE) -> dict[str, str]:
    """The queries of the page by question.

    Args:
        page: The page.
    """
    text = page.read_text(encoding='utf-8')
    return {
        question: query.strip()
        for question, query in re.findall(r'^([^\n]+):\n\n```promql\n(.*?)^```$', text, re.MULTILINE | re.DOTALL)
    }


def over(query: str, seconds: float) -> str:
    """A query over another time.

    Args:
        query: The query.
        seconds: How long that time is.
    """
    return query.replace(f'[{WINDOW}]', f'[{round(seconds)}s]')


def from_first_sample(query: str) -> str:
    """A query that counts what new series start with, as the page says how on a server without created timestamps."""

    def replaced(found: re.Match[str]) -> str:
        x, w = found[1], found[2]
        ranged = f'{x}[{w}]'
        before = f'present_over_time({x}[{WINDOW}] offset {w})'
        return (
            f'(increase({ranged}) and {before}'
            f' or (last_over_time({ranged}) and resets({ranged}) == 0 or increase({ranged}) + min_over_time({ranged}))'
            f' unless {before})'
        )

    return re.sub(r'increase\((\w+_(?:total|sum|count|bucket)(?:\{[^}]*\})?)\[(\w+)\]\)', replaced, query)
