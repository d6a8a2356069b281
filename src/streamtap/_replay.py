"""The gate before the sinks of a durable run: what an engine only does again was told before, and is not told again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dispatch import Dispatch
from streamtap._records import ToolRecord, ToolStart

if TYPE_CHECKING:
    from streamtap._records import ResponseRecord


class ReplayGate(Dispatch):
    """Keeps what happens in a run of a durable engine until the engine has recorded the next answer.

    On recovery an engine runs a run again from its start and answers from its records as far as they go. What lies
    before a recorded answer was told when that was new: it is dropped. What lies behind the last one happens again, and
    was not told before, as no answer followed it. So it is told once, whenever the process dies.
    If the run ends without an answer instead, its calls are told then, and not again if this process tries it again.

    Args:
        beyond: Where it goes.
        told: The tool calls of an earlier try of the run that were told, by step and id; filled with those of this one.
    """

    def __init__(self, beyond: Dispatch, told: set[tuple[int, str]]) -> None:
        super().__init__((), include_content=False)
        self._beyond = beyond
        self._told_before = frozenset(told)
        self._told = told
        self._kept: list[tuple[str, object]] = []
        self._is_new = self._is_over = False
        self.has_replayed = False
        """Whether a recorded answer was given."""

    def answered(self) -> None:
        """A request was really made, and its answer is recorded now: what lies before will not happen again as new."""
        self.refused()
        self._told.clear()

    def refused(self) -> None:
        """A request was really made, and failed."""
        self._is_new = True
        self._tell()

    def replayed(self) -> None:
        """An answer was a recorded one: so is what led to it."""
        self.has_replayed = True
        # That the run began is told with what is new in it.
        self._kept = [(moment, fact) for moment, fact in self._kept if moment == 'run_started']

    def ended(self) -> bool:
        """The run is over; whether that is told: not if all its answers were recorded ones. It may have had none."""
        self._is_over = self._is_new or not self.has_replayed
        if self._is_over:
            self._tell()
        return self._is_over

    def response_ended(self, record: ResponseRecord) -> None:
        """A response came that is no recorded one."""
        self._beyond.response_ended(record)

    def failed(self, where: str, error: BaseException) -> None:
        """A part of the tap raised."""
        self._beyond.failed(where, error)

    def dropped(self, what: str, count: int = 1) -> None:
        """Something was given up at a cap."""
        self._beyond.dropped(what, count)

    def _tell(self) -> None:
        kept, self._kept = self._kept, []
        for moment, fact in kept:
            self._pass(moment, fact)

    def _pass(self, moment: str, fact: object) -> None:
        if isinstance(fact, (ToolStart, ToolRecord)):
            call = fact.step, fact.tool_call_id
            if call in self._told_before:
                return
            if isinstance(fact, ToolRecord) and fact.outcome not in ('error', 'interrupted'):
                self._told.add(call)
        getattr(self._beyond, moment)(fact)

    def _send(self, moment: str, fact: object) -> None:
        if self._is_over:
            self._pass(moment, fact)
        else:
            self._kept.append((moment, fact))
