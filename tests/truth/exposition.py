"""What Prometheus would see: an exposition as it is scraped over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
from prometheus_client.parser import text_string_to_metric_families

from streamtap import metrics_app

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


@dataclass(frozen=True)
class Scrape:
    """What a scrape showed in the middle of a run.

    Args:
        shown: The stage of the stalled stream, `calm` if none was stalled, `nothing` if no run was seen.
        age: How old the oldest run was.
        true_age: How old it really was.
    """

    shown: str
    age: float
    true_age: float


async def scrape(registry: CollectorRegistry, true_age: float) -> Scrape:
    """Ask the product's own endpoint.

    Args:
        registry: Where the metrics are.
        true_age: How old the oldest run is.
    """
    app = httpx.ASGITransport(app=metrics_app(registry))  # pyright: ignore[reportArgumentType]
    async with httpx.AsyncClient(transport=app, base_url='http://app') as client:
        text = (await client.get('/metrics')).text
    stages = [stage for stage, count in by_label(text, 'pydantic_ai_stalled_streams', 'stage').items() if count]
    age = sum(by_label(text, 'pydantic_ai_oldest_run_age_seconds', 'agent').values())
    return Scrape(', '.join(stages) or ('calm' if age else 'nothing'), age, true_age)


def by_label(text: str, name: str, label: str) -> dict[str, float]:
    """The sums of a metric's samples for each value of a label.

    Args:
        text: The exposition.
        name: The sample's name.
        label: The label's name.
    """
    sums: dict[str, float] = {}
    # Only its lines: the parser takes long, and there are a thousand others.
    lines = [line for line in text.splitlines() if line.startswith((f'{name}{{', f'{name} '))]
    for family in text_string_to_metric_families('\n'.join([*lines, ''])):
        for sample in family.samples:
            if sample.name == name:
                value = sample.labels.get(label, '')
                sums[value] = sums.get(value, 0.0) + sample.value
    return sums
