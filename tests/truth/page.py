"""The page that says how true the numbers are."""

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

HEAD = """# Accuracy

<!-- Written by `make truth`: run it again after a change. -->

Every number of the tap is compared with what really happened: a paced server on loopback stamps when each byte left, and scripted tools stamp when they began and ended.
`make truth` runs everything up to the answers and writes this page; it fails if a row is wrong.

Written with streamtap {streamtap}, pydantic-ai {pydantic_ai}, CPython {python}, on two shared cores.

## Output tokens per second

Only tokens whose chunks were seen have a pace, so the speed is of what the model wrote after the first chunk, divided by the time from the first chunk to the last:

| the response | speed |
|---|---|
| as many chunks as tokens, or one fewer: an answer that ends by itself has an end token that is counted and not shown | chunks - 1 |
| more chunks than tokens | tokens - 1 |
| text in far fewer chunks, at least 1.5 tokens and more than six bytes in each, 32 tokens in all | tokens, less the first chunk's share of all bytes |
| tool calls, also after a text, whose chunks are as small as tokens: the rest is hidden markup | the pace within each part: its chunks, of a call without the first three, and a token more for each wait that is twice the usual one, as parsers keep white space back |
| other tool calls, and calls of fewer than five such chunks | absent |
| anything between these: some tokens were hidden, and nobody knows where | absent |
| hidden reasoning with a count | without those tokens |
| reasoning that is shown and counted | of the answer alone: what is shown may be a summary |
| hidden reasoning without a count, or a count of 0; counted reasoning inside an answer | absent |
| chunks that came in pieces out of a buffer: most of them without a wait, as from a proxy that flushes at the end, or many events in few network packets | absent |
| a client that stood still while the first or the last chunks came: they are read at once, and too late | absent |
| single-token chunks of an answer so short, or of a reader so short of a processor, that it is not certain within 3 % of the time when they began and ended: waits at the 75th and the 10th percentile differ by more | absent |
| no usage, a stream that broke, your own code that held the stream for more than a tenth of the time | absent |

A client that stands still in mid-stream catches up: the speed is right.

These limits are known:

- A server that neither shows nor counts its reasoning, and sends several tokens per chunk, is shown too fast.
- Chunks are taken to be as small as tokens if they have at most six bytes on average; a provider that sends short tokens in pairs is shown too slow in tool calls.
- A stream of more than about 1,000 single-token chunks a second counts as pieces of a buffer, and has no speed.
- A client that gets too little of the processor for long reads late, but evenly: the speed is its own. On two cores with seven busy processes each, 140 were seen for a true 200.
- A client that stands still while the last one or two chunks come looks like a model that paused before them.
- The time to first token is that of whoever waits. It includes what the client did before it looked at the first chunk: blocking the event loop, or building its schemas at the first stream of a process. For the OpenAI SDK's Responses that is about half a second of CPU, after the first event has arrived, where nothing tells it from a slow model: [ask once at start-up](deployment.md#is-it-us-or-the-provider).

## Tokens and cost

Tokens are the provider's own count, and a record says how far it goes: `usage_reported`, `usage_complete`, and in `unmeasured` why not.

| the response | tokens | `unmeasured` |
|---|---|---|
| ended, and its provider said what it used | as reported | |
| ended, and its provider said nothing | absent | `not_reported` |
| was stopped, failed or timed out after its first event | as far as reported by then, often none; Anthropic says 1 for the answer until its end | `interrupted` |
| of Anthropic or Google, whose connection was closed before they said why the answer ends: to Pydantic AI that is an end | as far as reported by then | `interrupted` |
| of a server that says its usage so far in each chunk, which Pydantic AI adds up | absent: the sum is many times too high | `repeated` |
| none: the request failed or was stopped before anything came, and may be billed all the same | absent | |

Servers that repeat their usage are found where the tokens of the prompt grow while the answer streams.
That needs the stream of the response: the handler, the capability with a stream, and watched streams of nodes have it, the events of `run_stream_events()` and the handler of `run_stream()` do not.
A server that says the same usage twice at its end is not found.
The setting `openai_continuous_usage_stats=True` of the model cures it at every door, and the tap's log names it once per model.

The cost is in US dollars, and `cost_source` says whose figure it is:

| `cost_source` | the cost |
|---|---|
| `price` | your own, from `Tap(price=...)` |
| `provider` | what was charged: by OpenRouter, through `OpenRouterModel`, with what another provider charged to a key of your own; or by a gateway whose figure Pydantic AI puts into `usage.cost` |
| `list` | Pydantic AI's list price for the tokens, an estimate |
| `None` | unknown; or of a rejected candidate of a fallback, where Pydantic AI keeps the cost and not its origin |

What comes in a header, such as LiteLLM's `x-litellm-response-cost`, no door can see, nor the `cost` in the usage of an OpenAI-compatible server that is asked with `OpenAIChatModel`.

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
