"""A tap whose live view is given runs that nobody ran."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streamtap import BaseSink, FailureRecord, PartRecord, Tap
from support.made_records import IDS, full_response, response, run, run_start, tool

if TYPE_CHECKING:
    from streamtap import Sink

SECOND = 10**9


class MadeRunsTap(Tap):
    """Remembers the sinks that were added, to give them runs."""

    def __init__(self) -> None:
        super().__init__([BaseSink()])
        self.added: list[Sink] = []

    def add_sink(self, sink: Sink) -> None:
        super().add_sink(sink)
        self.added.append(sink)

    def remove_sink(self, sink: Sink) -> None:
        super().remove_sink(sink)
        self.added = [other for other in self.added if other is not sink]

    def add_run(self, run_id: str, **changes: Any) -> None:
        """A run with one request and one tool call.

        Args:
            run_id: Its id.
            **changes: Of its record.
        """
        text = PartRecord(index=0, kind='text', tool=None, tool_call_id=None, start=0.4, duration=0.8, chunks=9)
        phases = {'wait': 0.4, 'stream': 0.8, 'tools': 0.75, 'other': 2.05}
        for sink in self.added:
            sink.run_started(run_start(run_id))
            sink.response_ended(full_response(run_id=run_id, parts=(text,), stalls=0, stall_seconds=0.0))
            sink.tool_ended(tool(run_id=run_id, started_ns=2 * SECOND, tool='look_up'))
            sink.run_ended(run(**{'run_id': run_id, 'phases': phases, 'cost_usd': 0.25, **IDS, **changes}))

    def add_failure(self, run_id: str) -> None:
        """A run whose only request failed."""
        for sink in self.added:
            sink.run_started(run_start(run_id))
            sink.response_ended(response(run_id=run_id, outcome='error', error_type='ModelHTTPError_503'))
            why = FailureRecord(agent='broken', error='ModelHTTPError_503', place='model', name='p:m', step=1)
            sink.run_ended(
                run(run_id=run_id, outcome='error', error_type='ModelHTTPError_503', agent='broken', failure=why)
            )
