"""What was recorded of a reader beside the reader's own stamps."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

from truth.row import Reader, equal, near
from truth.times import first_visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streamtap import ResponseRecord, RunRecord
    from truth.row import Row
    from truth.world import Happened


def reader_of(row: Row, runs: Sequence[RunRecord], responses: Sequence[ResponseRecord], happened: Happened) -> None:
    """Compare what the reader of the only run saw; without a reader, that none was recorded."""
    if not row.expected.reader:
        equal(row, 'readers', [run.reader for run in runs if run.reader], [])
        equal(row, 'stops', [each.stop_seconds for each in responses if each.stop_seconds is not None], [])
        return
    (run,), (response,), (served,) = runs, responses, happened.served
    reader, items = run.reader, happened.items
    if reader is None or reader.time_to_first_item is None:
        row.faults.append(f'no reader: {run!r}')
        return
    equal(row, 'items', reader.items, len(items))
    equal(row, 'whose first output', run.first_output_seen_by, 'reader')
    equal(row, 'first output', run.time_to_first_output, reader.time_to_first_item)
    # No record says more exactly when the run began.
    started = (run.started_ns - (time.time_ns() - time.perf_counter_ns())) / 1e9
    errors = [abs(started + reader.time_to_first_item - items[0])]
    visible = first_visible(served)
    if reader.first_item_delay is not None and visible is not None:
        errors.append(abs(reader.first_item_delay - (items[0] - visible)))
    equal(row, 'the delay of the first item is known', reader.first_item_delay is not None, row.expected.chunks)
    longest = max((after - before for before, after in itertools.pairwise(items)), default=None)
    near(row, 'longest time between items', reader.max_inter_item_latency, longest, row.bounds.phase)
    stop = None if happened.left is None else max(0.0, (served.finished_at or 0.0) - happened.left)
    near(row, 'seconds after the stop', response.stop_seconds, stop, row.bounds.phase)
    row.reader = Reader(
        first_token=None if visible is None else visible - started,
        first_item=reader.time_to_first_item,
        failed_partials=reader.failed_partials,
        stop=response.stop_seconds,
        chunks=response.chunks_after_stop,
        error=max(errors),
    )
