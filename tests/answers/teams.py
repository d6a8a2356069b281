"""Who uses the product: how many processes, how often they are replaced, and how much they are asked."""

from __future__ import annotations

from dataclasses import dataclass, replace

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Team:
    """A fleet and its traffic.

    Args:
        name: Its name.
        hours: How long it is watched.
        requests: How many requests users make in that time.
        pods: How many processes serve them.
        deploy_every: Hours after which all processes are replaced; `None` if they never are.
        failing: The share of the requests whose model fails.
        stopped: The share of the requests that their users stop.
        seed: Where its chance begins.
        scraped_every: Seconds between two scrapes of a process.
    """

    name: str
    hours: float
    requests: int
    pods: int = 1
    deploy_every: float | None = None
    failing: float = 0.05
    stopped: float = 0.05
    seed: int = 1
    scraped_every: float = 30.0


TEAMS = (
    Team('small team', hours=24, requests=20, deploy_every=12, failing=0.15, stopped=0.1),
    Team('low traffic', hours=12, requests=60, pods=2),
    Team('ten pods with deploys', hours=6, requests=240, pods=10, deploy_every=2),
    Team('busy', hours=0.25, requests=2000, pods=2, failing=0.02),
)
"""The teams of the issue: three people, a quiet service, a fleet that is deployed often, and one that is busy."""

SHORTER = (
    replace(TEAMS[0], hours=6, deploy_every=3),
    replace(TEAMS[1], hours=3, requests=15),
    replace(TEAMS[2], hours=1, requests=90, pods=4, deploy_every=0.5),
    TEAMS[3],
)
"""The same teams over a shorter time."""

INTERVALS = (5, 15, 60)
"""Seconds between two scrapes, from the most frequent to Prometheus' own default."""

SCRAPED = tuple(replace(team, scraped_every=every) for every in INTERVALS for team in SHORTER)
"""Each of them, scraped at each interval."""

SHORT = (replace(SHORTER[0], scraped_every=60), replace(SHORTER[2], scraped_every=15))
"""What CI has the time for."""
