"""The page that says how true the numbers are."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING

from support.paths import ROOT
from truth.table import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truth.accuracy import Figure
    from truth.row import Row

PAGE = ROOT / 'docs' / 'accuracy.md'

HEAD = """# Accuracy

<!-- Written by `make truth`: run it again after a change. -->

Every number of the tap is compared with what really happened: a paced server on loopback stamps when each byte left, and scripted tools stamp when they began and ended.
`make truth` runs everything below and writes this page; it fails if a row is wrong.

Written with streamtap {streamtap}, pydantic-ai {pydantic_ai}, CPython {python}, on two shared cores.

## Many streams

{streams} streams at each door, one after the other over one connection, after a warm-up: headers 30 ms late, the first chunk 50 ms after them, then one every 20 ms; every second one calls a tool of 100 ms.
The error of the time to first token is mostly the client's own work before it sends.

| number | door | error at the median | at the worst | target (median, worst) | |
|---|---|---|---|---|---|
{figures}

## Every case

One run of each, and up to two more of one that came out wrong, because a machine that pauses for a moment looks like an error.
Errors are the largest in the run, and a dash means that there is nothing to compare, or that the contract says the value cannot be known.
The first request of a case opens its connection.
Outcomes, counts, tokens and cost are compared exactly.
"""


def page(rows: Sequence[Row], figures: Sequence[Figure], streams: int) -> str:
    """The page.

    Args:
        rows: Each case at each door.
        figures: The errors of many streams.
        streams: How many.
    """
    head = HEAD.format(
        streamtap=version('streamtap'),
        pydantic_ai=version('pydantic-ai-slim'),
        python=platform.python_version(),
        streams=streams,
        figures='\n'.join('| ' + ' | '.join(figure.cells()) + ' |' for figure in figures),
    )
    return head + table(rows)
