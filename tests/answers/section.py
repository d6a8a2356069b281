"""The section of docs/accuracy-tables.md about the answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from answers.judge import MOST_OF_COUNTS, worst
from answers.sweep import table
from answers.teams import SHORTER, TEAMS
from answers.teams_judged import COUNTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from answers.judge import Judged

BOARDS = 'boards'

CLASSIC = 0.15
"""How far the 90th percentile of quantiles may be off where they come from classic buckets."""

EXACT = 0.03
"""The same for native histograms, and for the views of a process."""

HELD = ('summary', 'live page', 'report', COUNTED, BOARDS)

VICTORIA = 'VictoriaMetrics, OTLP, classic'
"""What takes OTLP by itself."""

HEAD = """## Answers

The records may be true and what a person reads still wrong: a count that a new process began with, a quantile out of coarse buckets, a run that another run called.
`make answers` lets teams work on a simulated clock, with real agents and a real tap: nested runs, failures, users who press Stop, processes that are replaced.
What their processes expose or push goes into real servers at the simulated times, and then every number is read as people read it, and compared with the exact answer.

| way | how it comes into the server |
|---|---|
| text | scraped twice a minute: classic histograms, a series begins with its first sample |
| native | scraped by protobuf: native histograms, created timestamps |
| OTLP, native | pushed once a minute by OpenTelemetry's exporter, [exponential by one line](native-histograms.md#by-otlp); a receiver of the judge translates it by OpenTelemetry's rules, because Debian builds Prometheus without its own |
| OTLP, classic | pushed the same way without that line, into VictoriaMetrics' own receiver |

| team | hours | requests of users | processes | replaced |
|---|---|---|---|---|
{teams}

The bounds are 1 % for counts, sums and shares, and for the 90th percentile of all quantiles 3 %, or 15 % where they come from classic buckets.
Queries as they stand are shown, not held: they lose the [first count](queries.md#first-count) of a series without created timestamps, most of all by OTLP.
The boards are read as Grafana does, their tiles and tables over the whole time range; of native histograms only on Prometheus 3, which they need for those.

| team | server | where it is read | numbers | counts, sums, shares: worst | quantiles: 90th percentile | |
|---|---|---|---|---|---|---|
{readings}

All nine definitions of a sample's quantile lie between two neighbours of its rank: any number between these is exact, and quantiles of fewer than 20 values are not judged.

The bounds of classic buckets are chosen so that a quantile of very many values is right at a glance, over log-normal values from very regular to very mixed:

{sweep}
"""


INTERVALS_HEAD = """### At other intervals of scrapes

The tiles and tables of every board for the same teams, over a shorter time ({teams}), all teams together.
The boards are those of the repository, for scrapes of up to a minute.

| scraped every | server | numbers | counts, sums, shares: worst | quantiles: 90th percentile | |
|---|---|---|---|---|---|
{readings}
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a team reads in one place.

    Args:
        team: The team's name.
        server: What answers.
        where: Where it is read.
        rows: Every number.
    """

    team: str
    server: str
    where: str
    rows: Sequence[Judged]

    @property
    def counts(self) -> float:
        """The worst error of counts, sums and shares."""
        return worst(self.rows, quantiles=False)

    @property
    def quantiles(self) -> float:
        """The 90th percentile of the errors of quantiles."""
        return worst(self.rows, quantiles=True)

    @property
    def is_held(self) -> bool:
        """Whether it is held to a bound."""
        return self.where in HELD

    @property
    def is_beyond(self) -> bool:
        """Whether it is held to a bound, and beyond it."""
        most = CLASSIC if self.server.endswith(('text', 'classic')) else EXACT
        return self.is_held and (self.counts > MOST_OF_COUNTS or self.quantiles > most)

    def cells(self) -> tuple[str, ...]:
        """A row of the table."""
        verdict = 'beyond' if self.is_beyond else 'held' if self.is_held else ''
        numbers = str(len(self.rows))
        return self.team, self.server, self.where, numbers, _percent(self.counts), _percent(self.quantiles), verdict


def described(row: Judged) -> str:
    """One number, for people."""
    shown = 'nothing' if row.shown is None else f'{row.shown:.6g}'
    return f'{_percent(row.error):>8}  {row.question} {"/".join(row.labels)}: {shown}, exactly {row.exact}'


def at_interval(readings: Sequence[Reading], every: float) -> list[Reading]:
    """The boards of all teams together, a reading for each server.

    Args:
        readings: Of teams that were scraped at an interval.
        every: The interval, in seconds.
    """
    boards = [reading for reading in readings if reading.where == BOARDS]
    return [
        Reading(f'{every:g} s', server, BOARDS, [row for each in boards if each.server == server for row in each.rows])
        for server in dict.fromkeys(reading.server for reading in boards)
    ]


def intervals_section(readings: Sequence[Reading]) -> str:
    """The section about other intervals of scrapes.

    Args:
        readings: What was judged, of all teams together.
    """
    rows = [f'| {" | ".join(cell for cell in reading.cells() if cell != BOARDS)} |' for reading in readings]
    teams = ', '.join(f'{team.name} {team.hours:g} h' for team in SHORTER)
    return INTERVALS_HEAD.format(teams=teams, readings='\n'.join(rows))


def section(readings: Sequence[Reading]) -> str:
    """The section.

    Args:
        readings: What was judged.
    """
    teams = [
        f'| {team.name} | {team.hours:g} | {team.requests:,} | {team.pods} | '
        f'{f"every {team.deploy_every:g} hours" if team.deploy_every else "never"} |'
        for team in TEAMS
    ]
    rows = [f'| {" | ".join(reading.cells())} |' for reading in readings]
    return HEAD.format(teams='\n'.join(teams), readings='\n'.join(rows), sweep='\n'.join(table()))


def _percent(error: float) -> str:
    return 'missing' if math.isinf(error) else f'{error:.1%}'
