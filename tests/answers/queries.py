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

COUNTERS = re.compile(r'increase\((\w+_(?:total|sum|count|bucket)(?:\{[^}]*\})?)\[(\w+)\]\)')
NATIVE = re.compile(r'increase\((\w+(?<!_total)(?<!_sum)(?<!_count)(?<!_bucket)(?:\{[^}]*\})?)\[(\w+)\]\)')
"""An increase of numbers, and one of native histograms: of what, and over which time."""


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
    for_counters, _ = _instead()
    return COUNTERS.sub(lambda found: _filled(for_counters, found), query)


def from_first_push(query: str) -> str:
    """The same, also for native histograms, as the page says for those that are pushed."""
    for_counters, for_native = _instead()
    counted = COUNTERS.sub(lambda found: _filled(for_counters, found), query)
    return NATIVE.sub(lambda found: _filled(for_native, found), counted)


def without_native(query: str) -> str:
    """A query for a server that knows no native histograms, as the page says how."""
    return re.sub(r'\nor\n[^\n]*histogram_sum[^\n]*', '', query)


def _instead() -> tuple[str, str]:
    """What the page says to write instead of `increase(x[1h])`: for counters, and for native histograms."""
    text = PAGE.read_text(encoding='utf-8')
    counters, native = re.findall(r'^```text\n(\(.*?)\n```$', text, re.MULTILINE | re.DOTALL)
    return counters, native


def _filled(instead: str, found: re.Match[str]) -> str:
    of, time = found.groups()
    return re.sub(r'\bx\b', lambda _: of, instead).replace(WINDOW, time)
