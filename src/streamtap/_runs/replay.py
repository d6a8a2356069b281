"""The gate before the sinks of a durable run: what an engine only replays was reported before, and is not again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._delivery.dispatch import Dispatch
from streamtap._records.records import ToolRecord
from streamtap._records.starts import ToolStart

if TYPE_CHECKING:
    from streamtap._records.records import ResponseRecord


class ReplayGate(Dispatch):
    """Holds back what happens in a run of a durable engine until the engine has recorded the next response.

    On recovery an engine runs the run's code again from its start, and answers requests from its records as far as they
    go. What precedes a recorded response was reported when that response was new, so it is dropped. What follows the
    last recorded response is executed again, and was not reported before, as no response followed it. So everything is
    reported once, whenever the process dies.
    If the run ends without another response, its calls are reported then, and not again if this process retries it.

    Args:
        out: Where everything goes that is not held back or dropped.
        reported: The tool calls that were reported in an earlier attempt of the run, by step and id; those of this one
            are added.
    """

    def __init__(self, out: Dispatch, reported: set[tuple[int, str]]) -> None:
        super().__init__((), include_content=False)
        self._out = out
        self._reported_before = frozenset(reported)
        self._reported = reported
        self._kept: list[tuple[str, object]] = []
        self._is_new = self._is_over = False
        self.has_replayed = False
        """Whether any response came from the engine's records."""

    def answered(self) -> None:
        """A request was really sent, and its response is now recorded: what led to it will not be executed again."""
        self.refused()
        self._reported.clear()

    def refused(self) -> None:
        """A request was really sent, and failed."""
        self._is_new = True
        self._release()

    def replayed(self) -> None:
        """A response came from the engine's records: what led to it was reported before."""
        self.has_replayed = True
        # The start of the run is reported along with the first new thing in it.
        self._kept = [(moment, fact) for moment, fact in self._kept if moment == 'run_started']

    def ended(self) -> bool:
        """The run is over; returns whether to report that.

        It is not reported if all its responses came from the engine's records; a run that had none is reported.
        """
        self._is_over = self._is_new or not self.has_replayed
        if self._is_over:
            self._release()
        return self._is_over

    def response_ended(self, record: ResponseRecord) -> None:
        """A new response ended: it is not held back."""
        self._out.response_ended(record)

    def failed(self, where: str, error: BaseException) -> None:
        """A part of the tap raised."""
        self._out.failed(where, error)

    def dropped(self, what: str, count: int = 1) -> None:
        """Something was dropped at a cap."""
        self._out.dropped(what, count)

    def _release(self) -> None:
        kept, self._kept = self._kept, []
        for moment, fact in kept:
            self._pass(moment, fact)

    def _pass(self, moment: str, fact: object) -> None:
        if isinstance(fact, (ToolStart, ToolRecord)):
            call = fact.step, fact.tool_call_id
            if call in self._reported_before:
                return
            if isinstance(fact, ToolRecord) and fact.outcome not in ('error', 'interrupted'):
                self._reported.add(call)
        getattr(self._out, moment)(fact)

    def _send(self, moment: str, fact: object) -> None:
        if self._is_over:
            self._pass(moment, fact)
        else:
            self._kept.append((moment, fact))
