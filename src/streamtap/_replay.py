"""The gate before the sinks of a durable run: what an engine only does again was told before, and is not told again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._dispatch import Dispatch

if TYPE_CHECKING:
    from streamtap._records import ResponseRecord


class ReplayGate(Dispatch):
    """Keeps what happens in a run of a durable engine until the engine has recorded the next answer.

    On recovery an engine runs a run again from its start and answers from its records as far as they go. What lies
    before a recorded answer was told when that was new: it is dropped. What lies behind the last one happens again, and
    was not told before, as no answer followed it. So it is told once, whenever the process dies.

    Args:
        beyond: Where it goes.
    """

    def __init__(self, beyond: Dispatch) -> None:
        super().__init__((), include_content=False)
        self._beyond = beyond
        self._kept: list[tuple[str, object]] = []
        self._is_new = self._is_over = False
        self.has_replayed = False
        """Whether a recorded answer was given."""

    def answered(self) -> None:
        """A request was really made, and is answered or failed."""
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
            getattr(self._beyond, moment)(fact)

    def _send(self, moment: str, fact: object) -> None:
        if self._is_over:
            getattr(self._beyond, moment)(fact)
        else:
            self._kept.append((moment, fact))
