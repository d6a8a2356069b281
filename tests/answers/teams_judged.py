"""Every number that a team reads, beside the exact one: its queries and boards, and its processes' own views."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from answers import queries
from answers.board_questions import exact_tiles
from answers.judge import judged
from answers.otlp_receiver import receiving
from answers.process_views import judged_views, page_shows, report_shows, summary_shows
from answers.pushes import Pushes, one_line
from answers.questions import exact_answers
from answers.remote_write import RemoteWrite
from answers.scrapes import NativeScrapes, TextScrapes
from answers.teams import HOUR
from answers.world import World
from streamtap import JournalSink
from streamtap._dashboards.config import CONFIG
from streamtap._dashboards.export import write
from streamtap._dashboards.grafana.boards import grafana_files
from support import boards, victoria_server
from support.prometheus_server import Prometheus, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from answers.judge import Judged
    from answers.teams import Team
    from answers.way import Way
    from answers.world import Pod, Records

TAKES = '--web.enable-remote-write-receiver'
NATIVE = ('native-histograms',)
"""What a server needs to take everything at any time."""

NEVER = 1
"""What a board is told instead of the seconds since a deploy, where there was none."""

LATE = 60.0
"""Seconds between the end of a team's time and now: Prometheus takes nothing from the future."""

TILES = {'stat', 'table'}

AS_THEY_STAND = 'queries, as they stand'
COUNTED = 'queries, from the first sample'
"""The documentation's queries as it says to write them so that nothing is lost or guessed."""


@dataclass(frozen=True, slots=True)
class WayIn:
    """How a team's metrics come into its Prometheus, and what follows from it.

    Args:
        name: What it is called.
        opened: The way into a server, with the seconds between two scrapes.
        counted: How a query is written so that it counts from the first sample.
        oldest: The oldest version of Prometheus that takes it.
    """

    name: str
    opened: Callable[[RemoteWrite, float], contextlib.AbstractContextManager[Way]]
    counted: Callable[[str], str] = queries.from_first_sample
    oldest: str = '2'


@contextlib.contextmanager
def _pushed(server: RemoteWrite, scraped_every: float) -> Generator[Way]:
    del scraped_every
    with receiving(server) as address:
        yield Pushes(address, one_line())


SCRAPES = (
    WayIn('text', lambda server, every: contextlib.nullcontext(TextScrapes(server, every))),
    WayIn('native', lambda server, every: contextlib.nullcontext(NativeScrapes(server, every))),
)
WAYS = (*SCRAPES, WayIn('OTLP, native', _pushed, queries.from_first_push, oldest='3'))


def judge_team(team: Team, program: str, way: WayIn) -> list[Judged]:
    """Live a team's days, and judge what its Prometheus answers.

    Args:
        team: The team.
        program: The path of Prometheus.
        way: How its metrics come there.
    """
    with (
        tempfile.TemporaryDirectory() as name,
        serving(program, Path(name), {}, TAKES, features=NATIVE) as server,
        way.opened(RemoteWrite(server.url), team.scraped_every) as stored,
    ):
        world = World(team, time.time() - team.hours * HOUR - LATE, stored)
        world.run()
        return [
            *_judge_queries(AS_THEY_STAND, server, world, lambda query: query),
            *_judge_queries(COUNTED, server, world, way.counted),
            *_judge_boards(server, world),
        ]


def judge_pushing_team(team: Team, program: str) -> list[Judged]:
    """Live a team's days, and judge what its VictoriaMetrics answers: it takes OTLP by itself.

    Args:
        team: The team, with the classic histograms that the sink pushes unless it is told otherwise.
        program: The path of VictoriaMetrics.
    """
    with tempfile.TemporaryDirectory() as name, victoria_server.serving(program, Path(name)) as server:
        world = World(team, time.time() - team.hours * HOUR - LATE, Pushes(server.otlp, {}))
        world.run()
        # What has just been received takes a moment until it can be found.
        server.series()
        asked = Prometheus(server.url)
        write(grafana_files(replace(CONFIG, histograms='classic')), Path(name))
        return [
            *_judge_queries(AS_THEY_STAND, asked, world, queries.without_native),
            *_judge_boards(asked, world, sorted(Path(name, 'grafana').iterdir())),
        ]


def judge_process(team: Team) -> list[Judged]:
    """Live the days of a team of one process, and judge what its summary, its live page and its report show.

    Args:
        team: The team; the page shows the last 15 minutes, so its time is not longer.
    """
    rows: list[Judged] = []
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / 'journal'
        sink = JournalSink(journal)

        def look(pod: Pod) -> None:
            rows.extend(_judge_process(pod, pod.records))

        world = World(team, time.time() - team.hours * HOUR, sinks=(sink,), leaving=look)
        world.run()
        rows += judged_views('report', world.records, report_shows(journal))
    return rows


def _judge_process(pod: Pod, records: Records) -> Iterator[Judged]:
    yield from judged_views('summary', records, summary_shows(pod.usage.summary().model_dump()))
    yield from judged_views('live page', records, page_shows(json.loads(pod.page.now())))


def _judge_queries(where: str, server: Prometheus, world: World, written: Callable[[str], str]) -> Iterator[Judged]:
    exact, seconds = exact_answers(world.records), world.team.hours * HOUR
    for question, query in queries.questions().items():
        shown = _vector(server, written(queries.over(query, seconds)), world.ended)
        yield from judged(where, question, exact[question], shown, leaves_out=_leaves_out(query))


def _judge_boards(server: Prometheus, world: World, files: Sequence[Path] = boards.FILES) -> Iterator[Judged]:
    for path in files:
        board = boards.read(path)
        objective = boards.variables(board).get('slo', {'current': {'text': 'nan'}})['current']['text']
        exact = exact_tiles(world.records, world.team.hours, float(objective))
        for panel in boards.panels(board):
            if panel['type'] in TILES:
                for number, target in enumerate(panel['targets']):
                    query = boards.filled_in(target['expr'], board, world.team.hours * HOUR, deployed=NEVER)
                    title = f'{path.stem}: {panel["title"]}{f" ({number + 1})" if panel["type"] == "table" else ""}'
                    answers = exact[path.stem, panel['title'], number]
                    shown = {
                        labels: value
                        for labels, value in _vector(server, query, world.ended).items()
                        if value not in boards.words(panel)
                    }
                    yield from judged('boards', title, answers, shown, leaves_out=_leaves_out(query))


def _vector(server: Prometheus, query: str, moment: float) -> dict[tuple[str, ...], float]:
    """The values by their labels, in the order in which the query names them."""
    groups = re.search(r'sum by \(([^)]*)\)', query)
    names = [name for name in groups[1].split(', ') if name != 'le'] if groups else []
    found = server.get('query', query=query, time=f'{moment:.3f}')['result']
    return {
        tuple(series['metric'].get(name, '') for name in names) if series['metric'] else (): float(series['value'][1])
        for series in found
    }


def _leaves_out(query: str) -> Literal['nothing', 'few values']:
    return 'few values' if 'histogram_quantile' in query else 'nothing'
