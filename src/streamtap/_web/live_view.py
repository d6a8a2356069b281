"""The sink behind the live view: it remembers the last runs and the last 15 minutes, for those who look at the page."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from streamtap._base.clock import SystemClock
from streamtap._base.forks import tell_forks
from streamtap._delivery.sink import BaseSink
from streamtap._records.known import sum_known
from streamtap._records.live import Live
from streamtap._records.run_tree import RunTree
from streamtap._version import __version__
from streamtap._web.documents import OpenRun, open_documents, outermost_document, run_document, short
from streamtap._web.figures import SlotFigures, now_figures, slot_figures, tables
from streamtap._web.windows import Windows

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamtap._base.clock import Clock
    from streamtap._delivery.sink import Attachment
    from streamtap._records.records import ResponseRecord, RunRecord, ToolRecord
    from streamtap._records.starts import RunStart
    from streamtap._web.documents import Json

KEPT_RUNS = 200
MAX_OPEN = 2000
"""How many open runs' requests and tool calls are remembered."""

MAX_ROWS = 100
"""How many requests, tool calls and nested runs are remembered per run."""

OPEN_SHOWN = 12
"""How many outermost open runs are shown with their requests and tool calls: the oldest."""


@dataclass(slots=True)
class _Seen:
    """What is remembered of a run; `size` includes the rows of nested runs."""

    started_ns: int
    rows: list[ResponseRecord | ToolRecord] = field(default_factory=list['ResponseRecord | ToolRecord'])
    nested: list[_Seen] = field(default_factory=list['_Seen'])
    size: int = 0
    left_out: int = 0
    record: RunRecord | None = None
    as_json: str | None = None
    """The finished run as JSON, once a viewer has asked for it."""

    def add(self, row: ResponseRecord | ToolRecord) -> None:
        if self.size < MAX_ROWS:
            self.size += 1
            self.rows.append(row)
        else:
            self.left_out += 1

    def adopt(self, nested: _Seen) -> None:
        if self.size + nested.size < MAX_ROWS:
            self.size += nested.size + 1
            self.nested.append(nested)
        else:
            self.left_out += 1

    def tree(self, record: RunRecord) -> RunTree:
        return RunTree(record, [*self.rows, *self.called()], left_out=self.left_out)

    def called(self) -> list[RunTree]:
        """The finished runs that it called."""
        return [one.tree(one.record) for one in self.nested if one.record is not None]


class LiveView(BaseSink):
    """Remembers what the page shows, in bounded memory; nothing is computed until a viewer asks.

    Args:
        clock: The clock to read.
    """

    inline: ClassVar[bool] = True

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = SystemClock() if clock is None else clock
        self._lock = threading.RLock()
        self._json_lock = threading.Lock()
        self._open: OrderedDict[str, _Seen] = OrderedDict()
        self._finished: deque[_Seen] = deque(maxlen=KEPT_RUNS)
        self._count = 0
        self._windows = Windows[SlotFigures](self._clock.monotonic())
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
            self._open[start.run_id] = _Seen(start.started_ns)
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
            self._windows.at(self._clock.monotonic()).tool(record)
            if (seen := self._open.get(record.run_id)) is not None:
                seen.add(record)

    def run_ended(self, record: RunRecord) -> None:
        """Add a run to the last ones, or to the run that called it."""
        with self._lock:
            self._windows.at(self._clock.monotonic()).run(record)
            self._runs += not record.nested
            seen = self._open.pop(record.run_id, None) or _Seen(record.started_ns)
            seen.record = record
            parent = None if record.parent_run_id is None else self._open.get(record.parent_run_id)
            if parent is not None:
                parent.adopt(seen)
            else:
                self._count += 1
                self._finished.append(seen)

    def now(self) -> str:
        """The current state as JSON: figures, tables and the open runs."""
        live = self._live()
        now = self._clock.monotonic()
        with self._lock:
            together, slots = self._windows.together(now), self._windows.each(now, slot_figures)
            runs, cost = self._runs, self._cost_usd
            open_runs = self._oldest(live)
        return _json(
            {
                'version': __version__,
                'since': self._since,
                'at': self._clock.unix_ns() / 1e9,
                'runs': runs,
                'cost': short(cost),
                'now': now_figures(together, live),
                'slots': slots,
                **tables(together, live),
                'open': open_documents(open_runs, live),
            }
        )

    def finished(self, after: int | None) -> tuple[int, list[str]]:
        """The last finished runs as JSON, oldest first.

        Args:
            after: How many had finished when the caller last asked; `None` for all that are remembered.

        Returns:
            How many have finished by now, and the runs.
        """
        with self._lock:
            count = self._count
            first = 0 if after is None else max(0, len(self._finished) - (count - after))
            new = tuple(islice(self._finished, first, None))
        with self._json_lock:
            return count, [_finished_json(seen) for seen in new]

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
                found[run.run_id] = OpenRun(
                    run, seen.started_ns, tuple(seen.rows), [run_document(each) for each in seen.called()]
                )
        return found


def _finished_json(seen: _Seen) -> str:
    if seen.as_json is None and seen.record is not None:
        seen.as_json = _json(outermost_document(seen.tree(seen.record)))
        # The JSON replaces them.
        seen.rows, seen.nested = [], []
    return seen.as_json or 'null'


def _json(document: Json) -> str:
    return json.dumps(document, separators=(',', ':'), allow_nan=False)
