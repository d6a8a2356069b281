"""What Prometheus stores of each scrape of a team's processes, written into it at the simulated time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from answers.remote_write import STALE

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from answers.remote_write import RemoteWrite

    Labels = dict[str, str]
    Key = tuple[str, ...]


class TextScrapes:
    """As Prometheus stores the text formats: classic histograms, and no start of a series but its first sample.

    Args:
        server: Where to.
    """

    def __init__(self, server: RemoteWrite) -> None:
        self._server = server
        self._labels: dict[Key, Labels] = {}
        self._seen: dict[str, list[Key]] = {}

    def __call__(self, moment: float, pod: str, registry: CollectorRegistry | None) -> None:
        """Store a scrape of a process; one without a registry finds that the process is gone."""
        if registry is None:
            gone = self._seen.pop(pod, [])
            self._server.write(moment, [(self._labels[key], STALE) for key in gone])
            return
        samples: list[tuple[Labels, float]] = []
        keys: list[Key] = []
        for family in registry.collect():
            for sample in family.samples:
                if sample.name.endswith('_created'):
                    continue
                key = (pod, sample.name, *sample.labels.values())
                labels = self._labels.get(key)
                if labels is None:
                    own = {'__name__': sample.name, 'instance': pod, 'job': 'agents'}
                    labels = self._labels[key] = {**sample.labels, **own}
                samples.append((labels, sample.value))
                keys.append(key)
        self._seen[pod] = keys
        self._server.write(moment, samples)
