"""The page of OpenTelemetry's conventions, written from the profiles in the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._sinks.otel.conventions.profiles import PROFILES
from streamtap._sinks.otel.conventions.providers import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streamtap._sinks.otel.conventions.tables import Attribute, Attributes, Instrument, Profile

HEAD = """# OpenTelemetry's conventions

<!-- Written by docs/convention_pages.py from src/streamtap/_sinks/otel/conventions: change the tables there, then run `make docs`. -->

OpenTelemetry has names for what generative AI does, and boards and back ends that know them need no mapping.
`OTelMetricSink(semconv='1.41')` sends the metrics under these names, beside [the tap's own](metrics.md#by-otlp); spans have them always.

```python
from streamtap import OTelMetricSink, OTelSpanSink, Tap

tap = Tap([OTelMetricSink(semconv='latest'), OTelSpanSink(semconv='latest')])
```

| profile | what it is |
|---|---|
| `'1.41'` | the last version with a number; Pydantic AI's own spans and OpenTelemetry's helpers use its names; the default of `OTelSpanSink` |
| `'latest'` | the newest names, from a repository of their own that has no release yet: they may change with any release of streamtap. Read in October 2026; what is proposed and not decided, such as `gen_ai.invocation.duration` instead of two other names, is not in it |

What Pydantic AI's own instrumentation records under the same name is left out for the runs that it is on for.
The tables below say what is sent, and of the rest why not.
A value that is not known is absent.
"""

TAIL = """

## Values

The provider's name is OpenTelemetry's where it has one: {providers}.
Any other name stays as Pydantic AI has it, and so do all names in [the tap's own metrics](metrics.md).

`error.type` is there for failures only, as [everywhere](metrics.md#outcomes-and-reasons): a run that was cancelled, and a call that the model is asked to make again, have none.
Only `mcp.client.operation.duration` has one for the latter, too: what the server was asked for did fail.
Spans have a few attributes besides that a version does not list, such as `gen_ai.agent.name` on those of requests; [traces](traces.md) has all of the tap's own.

## Boards of others

LiteLLM's board [for these conventions](https://github.com/BerriAI/litellm/tree/main/cookbook/litellm_proxy_server/grafana_dashboard/dashboard_genai_otel) has ten panels, all by the names of 1.41 or its own.
Six have streamtap's data with `semconv='1.41'`: requests, tokens, the 95th percentile of durations, and these by model.
Four cannot: spend and its rate are of `gen_ai.usage.cost` and the provider's generation time of `gen_ai.client.response.duration`, which are LiteLLM's own, and its time to first token is `gen_ai.server.time_to_first_token`, which is for servers.
The [project's own boards](dashboards.md) have spend and the time to first token, by [the tap's own metrics](metrics.md).
"""


def page() -> str:
    """The page."""
    parts = [HEAD]
    for profile in PROFILES.values():
        parts += [
            f'\n## {profile.name}\n',
            *_metrics(profile),
            *_attributes(profile),
            *_spans(profile),
            *_rest(profile),
        ]
    providers = ', '.join(f'`{name}` is `{standard}`' for name, standard in PROVIDERS.items())
    return '\n'.join(parts) + TAIL.format(providers=providers)


def _metrics(profile: Profile) -> Iterator[str]:
    yield '| metric | type, unit | of each | sent |\n|---|---|---|---|'
    for row in profile.instruments:
        yield f'| `{row.name}` | {row.type}, `{row.unit}` | {row.about} | {_sent(row)} |'
    if any(row.is_later for row in profile.instruments):
        yield f"\n<sup>1</sup> {profile.name} has no such metric: the name is from the newer conventions, and OpenTelemetry's own helper for Python sends it beside the names of {profile.name}."


def _sent(row: Instrument) -> str:
    if row.absent:
        return f'no: {_inside(row.absent)}'
    later = '<sup>1</sup>' if row.is_later else ''
    twice = " Not beside Pydantic AI's own." if row.is_twice else ''
    return f'yes{later}{": " if row.note else ""}{_inside(row.note) if row.note else ""}{twice}'


def _attributes(profile: Profile) -> Iterator[str]:
    yield '\nTheir attributes:\n\n| metrics | attribute | asked for | sent |\n|---|---|---|---|'
    by_attributes: dict[Attributes, list[str]] = {}
    for row in profile.instruments:
        if not row.absent:
            by_attributes.setdefault(row.attributes, []).append(row.name)
    first, *others = [set(each) for each, names in by_attributes.items() if names[0].startswith('gen_ai.client')]
    shared = first.intersection(*others)
    yield from _rows('all of requests', [each for each in next(iter(by_attributes)) if each in shared])
    for attributes, names in by_attributes.items():
        own = [each for each in attributes if each not in shared or not names[0].startswith('gen_ai.client')]
        if own:
            yield from _rows(', '.join(f'`{name}`' for name in names), own)


def _spans(profile: Profile) -> Iterator[str]:
    yield '\nSpans:\n\n| span | attribute | asked for | sent |\n|---|---|---|---|'
    for span in profile.spans:
        name = f'`{span.name}`, on the span of the tool' if span.about == 'MCP call' else f'`{span.name}`'
        yield from _rows(name, list(span.attributes))


def _rows(of: str, attributes: list[Attribute]) -> Iterator[str]:
    for attribute in attributes:
        sent = _said(attribute)
        yield f'| {of} | `{attribute.name}` | {attribute.level} | {sent} |'
        of = ''


def _said(attribute: Attribute) -> str:
    if attribute.absent:
        return f'no: {_inside(attribute.absent)}'
    return f'yes: {_inside(attribute.note)}' if attribute.note else 'yes'


def _inside(sentence: str) -> str:
    """A sentence as the rest of another one."""
    first, _, rest = sentence.partition(' ')
    is_name = first.startswith('`') or first in ('Pydantic', 'OpenTelemetry', 'MCP')
    return sentence if is_name else f'{first[0].lower()}{first[1:]} {rest}'.strip()


def _rest(profile: Profile) -> Iterator[str]:
    yield '\nNot sent as a whole:\n\n| metric or span | why |\n|---|---|'
    for each in profile.left_out:
        yield f'| `{each.name}` | {each.why} |'
