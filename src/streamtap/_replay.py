"""The gate before the sinks of a durable run: what an engine only does again was told before, and is not told again."""

from __future__ import annotations

from streamtap._dispatch import Dispatch


class ReplayGate(Dispatch):
    """Keeps what happens in a run that may be a replay until a response shows that it is none.

    On recovery an engine runs a run again from its start and answers its first requests from its records. What lies
    before such an answer was told when it happened: it is dropped. From the first request that is really made on,
    everything is told, with what came since the last recorded answer.

    Args:
        beyond: Where it goes.
    """

    def __init__(self, beyond: Dispatch) -> None:
        super().__init__((), include_content=False)
        self._beyond = beyond
        self._kept: list[tuple[str, object]] = []
        self.is_open = False
        self.has_replayed = False
        """Whether a recorded answer was given."""

    def open(self) -> None:
        """Something happened that is no replay."""
        self.is_open = True
        kept, self._kept = self._kept, []
        for moment, fact in kept:
            self._send(moment, fact)

    def drop(self) -> None:
        """An answer was a recorded one: so is what led to it."""
        self.has_replayed = True
        # That the run began is told with what happens in it first.
        self._kept = [(moment, fact) for moment, fact in self._kept if moment == 'run_started']

    def passes_end(self) -> bool:
        """Whether the run's end is told: not if all its answers were recorded ones; it may have had none at all."""
        if not self.is_open and not self.has_replayed:
            self.open()
        return self.is_open

    def failed(self, where: str, error: BaseException) -> None:
        """A part of the tap raised."""
        self._beyond.failed(where, error)

    def dropped(self, what: str, count: int = 1) -> None:
        """Something was given up at a cap."""
        self._beyond.dropped(what, count)

    def _send(self, moment: str, fact: object) -> None:
        if self.is_open:
            getattr(self._beyond, moment)(fact)
        else:
            self._kept.append((moment, fact))
