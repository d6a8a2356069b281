"""The sink behind the live view: it remembers the last runs and the last 15 minutes, for those who look at the page."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from streamtap._base.clock import SystemClock
from streamtap._base.forks import tell_forks
from streamtap._delivery.sink import BaseSink
from streamtap._display.trace_urls import check_trace_url
from streamtap._records.failed import failure_of, was_cancelled
from streamtap._records.known import sum_known
from streamtap._records.live import Live
from streamtap._version import __version__
from streamtap._web.documents import OpenRun, open_documents
from streamtap._web.errors import Errors
from streamtap._web.figures import SlotFigures, error_rows, now_figures, slot_figures, tables
from streamtap._web.kept import KEPT, KeptRuns
from streamtap._web.plain_data import short
from streamtap._web.remembered import Remembered, as_json
from streamtap._web.tally import Listed
from streamtap._web.windows import SLOT_SECONDS, SLOTS, Windows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamtap._base.clock import Clock
    from streamtap._delivery.sink import Attachment
    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
    from streamtap._records.starts import RunStart
    from streamtap._web.plain_data import Json

MAX_OPEN = 2000
"""How many open runs' requests and tool calls are remembered."""

OPEN_SHOWN = 12
"""How many outermost open runs are shown with their requests and tool calls: the oldest."""

RANGES: Mapping[str, int] = {'60': 4, '300': 20, '900': SLOTS}
"""How many slots each range of seconds has that a viewer can ask for."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What a viewer does not know yet of the runs that are over.

    Args:
        count: How many have finished by now.
        is_all: Whether `runs` is all that is kept, and nothing that the viewer knew before counts.
        runs: The runs as JSON, oldest first.
        gone: The numbers of runs that the viewer knew and that are no longer kept.
    """

    count: int
    is_all: bool
    runs: list[str]
    gone: list[int]


class LiveView(BaseSink):
    """Remembers what the page shows, in bounded memory; nothing is computed until a viewer asks.

    Args:
        clock: The clock to read.
        trace_url: The address of a trace, with `{trace_id}` in it; `None` if there is none.

    Raises:
        TypeError: If `trace_url` is no text.
        ValueError: If it is no such address.
    """

    inline: ClassVar[bool] = True

    def __init__(self, clock: Clock | None = None, trace_url: str | None = None) -> None:
        self._clock = SystemClock() if clock is None else clock
        if trace_url is not None:
            check_trace_url('trace_url', trace_url)
        self._trace_url = trace_url
        self.name = secrets.token_hex(8)
        """Tells it from the view of another process, or of this one before."""
        self._lock = threading.RLock()
        self._json_lock = threading.Lock()
        self._open: OrderedDict[str, Remembered] = OrderedDict()
        self._kept = KeptRuns[Remembered]()
        self._began = self._clock.monotonic()
        self._windows = Windows[SlotFigures](self._began)
        self._errors = Errors()
        self._listed = Listed()
        self._runs = 0
        self._cost_usd: float | None = None
        self._since = self._clock.unix_ns() / 1e9
        self._live: Callable[[], Live] = Live
        tell_forks(self)

    def forked(self) -> None:
        """Replace the locks, which may be held."""
        self._lock = threading.RLock()
        self._json_lock = threading.Lock()

    def attached(self, attachment: Attachment) -> None:
        """Keep the function that returns what is open."""
        self._live = attachment.live

    def run_started(self, start: RunStart) -> None:
        """Begin to remember a run."""
        with self._lock:
            self._open[start.run_id] = Remembered(start.started_ns)
            if len(self._open) > MAX_OPEN:
                self._open.popitem(last=False)

    def response_ended(self, record: ResponseRecord) -> None:
        """Remember a request."""
        with self._lock:
            self._windows.at(self._clock.monotonic()).response(record)
            self._cost_usd = sum_known(self._cost_usd, record.cost_usd)
            if (seen := self._open.get(record.run_id)) is not None:
                seen.add(record)

    def tool_ended(self, record: ToolRecord) -> None:
        """Remember a tool call."""
        with self._lock:
            seen = self._open.get(record.run_id)
            called: Mapping[str, float] = {} if seen is None else seen.callees.seconds_in(record)
            self._windows.at(self._clock.monotonic()).tool(record, called)
            if seen is not None:
                seen.add(record)

    def run_ended(self, record: RunRecord) -> None:
        """Add a run to those that are kept, or to the run that called it."""
        with self._lock:
            now = self._clock.monotonic()
            slot = self._windows.at(now)
            slot.run(record)
            self._runs += not record.nested
            seen = self._open.pop(record.run_id, None) or Remembered(record.started_ns)
            seen.record = record
            seen.callees.clear()
            parent = None if record.parent_run_id is None else self._open.get(record.parent_run_id)
            if parent is not None:
                parent.adopt(seen)
                return
            seen.ended = now - self._began
            for listed in (self._listed, slot.listed):
                listed.add(record)
            failed = failure_of(record)
            if failed is not None:
                slot.error(failed, seen.ended)
                self._errors.add(failed, seen.ended)
            self._kept.add(seen, failed=failed is not None, cancelled=was_cancelled(record))

    def now(self, seconds: str | None = None) -> str:
        """The current state as JSON: figures, tables and the open runs.

        Args:
            seconds: The range of figures and tables, one of `RANGES`; if it is none, figures and tables are of the last
                15 minutes, and errors and the numbers of runs since the beginning.
        """
        live = self._live()
        now = self._clock.monotonic()
        slots = RANGES.get(seconds or '')
        with self._lock:
            together = self._windows.together(now, slots or SLOTS)
            each = self._windows.each(now, slot_figures, slots or SLOTS)
            runs, cost = self._runs, self._cost_usd
            listed, errors = together.listed, together.errors
            if slots is None:
                listed, errors = self._listed, self._errors.groups()
            counts: dict[str, Json] = {'newest': listed.runs, 'failed': listed.failed, 'cancelled': listed.cancelled}
            slowest_since = self._kept.slowest_lately_since
            open_runs = self._oldest(live)
        return as_json(
            {
                'version': __version__,
                'since': self._since,
                'at': self._clock.unix_ns() / 1e9,
                'age': now - self._began,
                'range': None if slots is None else slots * SLOT_SECONDS,
                'from': together.began - self._began,
                'runs': runs,
                'cost': short(cost),
                'now': now_figures(together, live),
                'slots': each,
                **tables(together, live),
                'errors': error_rows(errors),
                'listed': counts,
                'kept': KEPT,
                'slowest_since': slowest_since,
                'trace_url': self._trace_url,
                'open': open_documents(open_runs, live),
            }
        )

    def finished(self, after: int | None) -> Finished:
        """The finished runs that are kept, as JSON.

        Args:
            after: How many had finished when the caller last asked; `None` for all that are kept.
        """
        with self._lock:
            news = self._kept.since(after)
        with self._json_lock:
            return Finished(news.count, news.is_all, [run.finished_json() for run in news.runs], news.gone)

    def _oldest(self, live: Live) -> dict[str, OpenRun]:
        """The open runs to be shown, with those that they called."""
        open_ids = {run.run_id for run in live.runs}
        outermost = [run.run_id for run in live.runs if run.parent_run_id not in open_ids]
        shown = set(outermost[:OPEN_SHOWN])
        for run in live.runs:
            if run.parent_run_id in shown:
                shown.add(run.run_id)
        found: dict[str, OpenRun] = {}
        for run in live.runs:
            if run.run_id in shown and (seen := self._open.get(run.run_id)) is not None:
                found[run.run_id] = OpenRun(run, seen.started_ns, tuple(seen.rows), seen.called())
        return found
