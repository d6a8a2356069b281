"""Facts about the process rather than a run: a late event loop, and failures of the tap itself."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class LoopLag:
    """How many seconds late an event loop ran a call that was due; `thread` is the name of its thread."""

    thread: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Fault:
    """The tap itself failed or dropped something; the run that it measured was not affected.

    `kind` is `error` (an exception in the tap or in a sink; `subject` says in which) or `dropped` (something dropped at
    a cap, such as records or open runs, or `labels`, values that are not plain; `subject` says what).
    """

    kind: Literal['error', 'dropped']
    subject: str
    count: int = 1
