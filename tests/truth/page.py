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
`make truth` runs everything up to the real servers and writes this page; it fails if a row is wrong.

Written with streamtap {streamtap}, pydantic-ai {pydantic_ai}, CPython {python}, on two shared cores.

## Output tokens per second

Only tokens whose chunks were seen have a pace, so the speed is of what the model wrote after the first chunk, divided by the time from the first chunk to the last:

| the response | speed |
|---|---|
| as many chunks as tokens, or one fewer: an answer that ends by itself has an end token that is counted and not shown | chunks - 1 |
| more chunks than tokens | tokens - 1 |
| text in far fewer chunks, at least 1.5 tokens in each, and larger than tokens are | tokens, less the first chunk's share of all bytes |
| tool calls, also after a text, whose chunks are as small as tokens: the rest is hidden markup | the pace within each part: its chunks, of a call without the first three, and a token more for each wait that is twice the usual one, as parsers keep white space back |
| other tool calls, and calls of fewer than five such chunks | absent |
| anything between these: some tokens were hidden, and nobody knows where | absent |
| hidden reasoning with a count | without those tokens |
| reasoning that is shown and counted | of the answer alone: what is shown may be a summary |
| hidden reasoning without a count | absent |
| chunks that came in pieces out of a buffer: most of them without a wait, as from a proxy that flushes at the end, or many events in few network packets | absent |
| single-token chunks of an answer so short, or of a reader so short of a processor, that it is not certain within 3 % of the time when they began and ended: waits at the 75th and the 10th percentile differ by more | absent |
| no usage, a stream that broke, your own code that held the stream for more than a tenth of the time | absent |

Two limits are known.
Chunks are taken to be as small as tokens if they have at most six bytes on average; a provider that sends short tokens in pairs is shown too slow in tool calls.
A stream of more than about 1,000 single-token chunks a second counts as pieces of a buffer, and has no speed.

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


REAL_SERVERS = (
    '<!-- Written by `make real-servers`: run it again after a change. -->',
    '<!-- The end of what `make real-servers` writes. -->',
)
"""The lines around the section about real servers, which another command writes, and this one carries over."""


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
    return with_real_servers(head + table(rows), real_servers())


def real_servers() -> str:
    """The section about real servers as the page has it, empty if it has none."""
    began, ended = REAL_SERVERS
    _, _, after = PAGE.read_text(encoding='utf-8').partition(began)
    return after.partition(ended)[0]


def with_real_servers(text: str, section: str) -> str:
    """The page with a section about real servers at its end, in place of the one that it has.

    Args:
        text: The page.
        section: The section; empty for none.
    """
    began, ended = REAL_SERVERS
    before = text.partition(began)[0]
    return f'{before.rstrip()}\n\n{began}\n\n{section.strip()}\n\n{ended}\n' if section else before
