"""The page with a row for each case, behind the summary of docs/accuracy.md."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING

from support.accuracy_page import COMMANDS, PAGE, read_section, with_sections
from truth.table import readers_table, stops_table, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truth.accuracy import Figure
    from truth.row import Row

HEAD = """---
search:
  boost: 0.2
---

# Accuracy: every case

<!-- Written by `make truth`: run it again after a change. -->

The long tables behind the summary on [accuracy](accuracy.md): every number of the tap beside what really happened.
A paced server on loopback writes down when each byte left, and scripted tools write down when they began and ended.
`make truth` runs everything up to the answers and writes it down here; it fails if a row is wrong.

Written with streamtap {streamtap}, pydantic-ai {pydantic_ai}, CPython {python}, on two shared cores.

## What the reader sees

Debouncing, the validation of incomplete outputs and a slow consumer stand between the model and the person: [`tap.watch(result.stream_text())`](doors.md#what-the-reader-sees) measures them.
The error is that of the reader's first item against the reader's own stamps.
`stream_text()` holds a text back for 0.1 s unless told otherwise.

{readers}

When the reader leaves, the response goes on until its connection is closed, or read to its end:

{stops}

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
        readers=readers_table(rows),
        stops=stops_table(rows),
        figures='\n'.join('| ' + ' | '.join(figure.cells()) + ' |' for figure in figures),
    )
    before = PAGE.read_text(encoding='utf-8')
    return with_sections(head + table(rows), {command: read_section(before, command) for command in COMMANDS})
