"""Writes the pages that follow from the code; `--check` fails if one is out of date."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import architecture
import convention_pages
import endings
import example_pages
import readme_summary

from streamtap._sinks.metrics.catalogue import BUCKETS, CATALOGUE, PUSHED, STARTS_AT_ZERO

if TYPE_CHECKING:
    from streamtap._sinks.metrics.metric import Metric

DOCS = Path(__file__).parent

HEAD = """# Metrics

<!-- Written by docs/generate.py from src/streamtap/_sinks/metrics/catalogue.py: change the catalogue, then run `make docs`. -->

The prefix `pydantic_ai_` marks measurements of your agents, `streamtap_` those of the tap itself.
Every `pydantic_ai_` metric also has the labels that you name in `Tap(labels=...)`, or only [those that the sink is given](extending.md#dimensions).
A value that could not be observed is absent, never 0.
`OTelMetricSink` sends the same metrics over OTLP, under [different names](#by-otlp), and if you like under [those of OpenTelemetry's conventions](conventions.md), too.

Histogram buckets are given as a letter, see [below](#buckets); `PrometheusSink(buckets={name: bounds})` changes them.

"""

OTLP = """
Under `PROMETHEUS_MULTIPROC_DIR`, a scrape also has the gauge `streamtap_multiprocess_broken_files`: [how many files could not be read](deployment.md#several-processes-of-one-server).

## By OTLP

Prometheus, VictoriaMetrics and similar receivers turn these into the names above, by appending unit and `_total`; Logfire and the rest show them as they are.
Where Pydantic AI itself is instrumented, `pydantic_ai.request_input_tokens`, `.input_tokens`, `.output_tokens` and `.cost_usd` are left out, unless you use `OTelMetricSink(usage='always')`: see [sinks](sinks.md#metrics-by-otlp).

| in Prometheus | by OTLP | unit |
|---|---|---|
"""

LABELS = """
## Labels

| label | value |
|---|---|
| `agent` | the agent's name, `agent` if it has none |
| `root_agent` | the outermost agent of nested runs |
| `provider`, `model` | the model that was asked; under a fallback, the candidate; never the server's own spelling |
| `kind` | of a tool call `function`, `mcp`, `output` or `native`: who runs the tool, and what for; of a part its own kind, such as `text` or `thinking` |
| `tool` | a name that the run knows; `_unknown` for a name that the model invented, `_several` for the results of several tools at once |
| `error_type` | the exception's class; where a provider answered with a status, `ModelHTTPError_` and that status: [below](#what-the-words-mean); of a tool that returned its error, what your [`tool_error`](extending.md) says |
| `outcome`, `reason`, `met` | see [outcomes and reasons](#outcomes-and-reasons) |
| `label` | the label that has too many values; `label_sets` where a metric has too many label sets |
| `attempt` | of a question: `first` or `later` |
| `nested` | `true` if the tool of another run called it, else `false` |
| `door` | how the tap was attached: `handler`, `capability` or `watch` |
| `streamed` | `true` or `false` |
| `stage` | `first_token` or `mid_stream` |
| `phase` | `queue`, `wait`, `stream`, `model`, `native_tools`, `tools`, `consumer` or `other` |
| `finish_reason` | the provider's; `error` if the request failed, `cancelled` if it was stopped, also by the run's own time limit, `unknown` if none came |
| `where` | the sink, `handler`, `capability`, `watch`, `spans`, `price`, `tool_error`, `redact` or `loop_lag`: where the tap failed |
| `what` | `records`, `open_runs`, `reopened_runs`, `parts`, `tool_calls` or `labels`: what was dropped |
| `thread` | the name of the thread that an event loop runs in |
| `cause` | `validation_error`, `model_retry`, `unknown_tool`, `unavailable_tool`, `timeout` or `unknown` |

Past 200 distinct values of a label, or 2,000 label sets of a metric, new ones become `_other` and are counted in `streamtap_label_overflow_total`.
A name is cut to its first 200 characters, here and in spans and records, and each character in it that could control a terminal, end a line, reorder text or hide becomes `�`.
A value in a run's `metadata` has to be text, a number, a bool, or a member of an enumeration of these. Anything else becomes `_unknown`, and is counted as dropped: [privacy](privacy.md#what-you-add-yourself).

## Outcomes and reasons

These counters start at 0 for each value when their agent, model or tool is first seen: of objectives when an agent that has one is, of what a cache missed when the first tokens are.

| counter | label | values |
|---|---|---|
"""

WORDS = """
### What the words mean

They mean the same in metrics, spans, records, reports, on the boards and on the live page.

| word | a run | a request | a tool call |
|---|---|---|---|
| `success` | it has its result | its answer is complete, also one that a validator refuses, or one without any content | it returned |
| `timeout` | its own time limit ran out: `run(timeout=...)`, or that of the run that called it | its own time limit ran out, whether Pydantic AI keeps it (`request_timeout`, `first_event_timeout`) or the provider's client (`timeout`); or its run's did | it is `retried`, with the cause `timeout`: its own `timeout=` ran out, and the model is asked again |
| `cancelled` | its caller stopped it: cancelled its task, used a `CancellationToken`, or left its stream | the same; also a usage limit that was reached in its stream | it is `interrupted`, as after any other end of its run |
| `limit` | it reached a usage limit | | |
| `error` | it ended with any other exception | it ended with any other exception | its code raised, be it a `TimeoutError` |
| `deferred` | it waits for a decision, or for a result from outside | | it waits for approval, or is executed outside of the run |
| `retried` | | | the model is asked to make the call again |
| `failed` | | | it raised `ToolFailed`, returned what `Tap(tool_error=...)` says is an error, or a run that it called stopped itself |
| `denied` | | | somebody refused its approval |
| `interrupted` | | | its run ended, or another tool raised, before it did |
| `incomplete` | nobody saw its end, so that it has no duration, except where events that you watch end without a result | nobody saw its end, so that it has no duration | |

- `asyncio.timeout()` and `asyncio.wait_for()` cancel the task of the run. From inside, that looks like a user who left, so the run is `cancelled`. With `run(timeout=...)` it is `timeout`.
- A run that ends because a request timed out, or because a tool raised a `TimeoutError`, is an `error`, and its `error_type` says why: `ModelTimeoutError` is the provider's client, `ModelRequestTimeout` a time limit of the model settings, `TimeoutError` code of yours.
- A provider that answers that it took too long, with a status of 408 or 504, has answered: that is an `error`.
- Where a provider answered with a status, the `error_type` is `ModelHTTPError_` and the status, and never the name of the subclass that newer releases of Pydantic AI raise: what your code catches as a `ModelUnavailableError` is `ModelHTTPError_503`, a `ModelRateLimitError` is `ModelHTTPError_429`. It says more, and is the same on every release. An exception without a status keeps its own name.
"""


def metrics_page() -> str:
    """The metric reference."""
    rows = ['| name | type | labels | buckets | what |', '|---|---|---|---|---|']
    rows += [_row(metric) for metric in CATALOGUE]
    outcomes = [
        f'| `{name}` | `{label}` | {", ".join(f"`{value}`" for value in values)} |'
        for name, (label, values) in STARTS_AT_ZERO.items()
    ]
    buckets = ['', '## Buckets', '', '| letter | bounds |', '|---|---|']
    buckets += [f'| {letter} | {" ".join(f"{bound:g}" for bound in bounds)} |' for letter, bounds in BUCKETS.items()]
    pushed = [f'| `{metric.name}` | `{metric.otel_name}` | {_unit(metric)} |' for metric in PUSHED]
    otlp = OTLP + '\n'.join(pushed) + '\n'
    return (
        HEAD + '\n'.join(rows) + '\n' + otlp + LABELS + '\n'.join(outcomes) + '\n' + WORDS + '\n'.join(buckets) + '\n'
    )


def _row(metric: Metric) -> str:
    labels = ', '.join(f'`{label}`' for label in metric.labels)
    merged = f' ({metric.merged})' if metric.merged else ''
    only = {'scrape': ' (not by OTLP)', 'otlp': ' (by OTLP only)', None: ''}[metric.only]
    return f'| `{metric.name}`{only} | {metric.type}{merged} | {labels} | {metric.buckets or ""} | {metric.help} |'


def _unit(metric: Metric) -> str:
    return f'`{metric.otel_unit}`' if metric.otel_unit else ''


def main() -> int:
    """Write the pages, or say which are out of date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--check', action='store_true', help='write nothing; exit 1 if a page is out of date')
    check: bool = parser.parse_args().check
    # Not at the top: a test of the metrics' page runs where nothing renders the site.
    import api_pages

    written = {
        'metrics.md': metrics_page(),
        'conventions.md': convention_pages.page(),
        'architecture.md': architecture.page(),
        'images/architecture.svg': architecture.picture(),
        'examples.md': example_pages.page(),
        'endings.md': endings.page((DOCS / 'endings.md').read_text(encoding='utf-8')),
        '../README.md': readme_summary.page((DOCS.parent / 'README.md').read_text(encoding='utf-8')),
        **{
            page.relative_to(DOCS).as_posix(): example_pages.filled(page.read_text(encoding='utf-8'))
            for page in example_pages.pages()
        },
        **api_pages.pages(),
    }
    stale = [name for name, text in written.items() if not _is_current(DOCS / name, text)]
    for name in stale:
        if check:
            print(f'docs/{name} is out of date: run `make docs`', file=sys.stderr)
        else:
            (DOCS / name).write_text(written[name], encoding='utf-8')
    return 1 if check and stale else 0


def _is_current(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding='utf-8') == text


if __name__ == '__main__':
    sys.exit(main())
