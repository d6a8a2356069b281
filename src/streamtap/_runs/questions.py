"""Ties runs together that are attempts at one question."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from streamtap._base.forks import tell_forks

if TYPE_CHECKING:
    from collections.abc import Generator

MAX_QUESTIONS = 10_000
"""How many questions are remembered by their id, so that a later attempt can be told from the first."""


@dataclass(slots=True)
class Question:
    """A question, and when the first run that tried to answer it began, on the monotonic clock."""

    question_id: str
    attempts: int = 0
    began: float | None = None


class Attempt(NamedTuple):
    """Which of the runs at a question this is, from 1, and when the first one began."""

    question_id: str
    number: int
    first_began: float


class Questions:
    """The questions of a tap: the current one, and those that may be tried again. Thread-safe."""

    def __init__(self) -> None:
        self._current: ContextVar[Question | None] = ContextVar('streamtap_question', default=None)
        self._known: OrderedDict[str, Question] = OrderedDict()
        self._lock = threading.Lock()
        tell_forks(self)

    def forked(self) -> None:
        """Replace the lock, which may be held."""
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def asked(self, question_id: str | None) -> Generator[str]:
        """Runs that begin in the block are attempts at that question.

        Args:
            question_id: The id of a question that may have been tried before; `None` for a new one.
        """
        question = self._question(uuid4().hex if question_id is None else question_id)
        token = self._current.set(question)
        try:
            yield question.question_id
        finally:
            # A generator may be closed in another context.
            with contextlib.suppress(ValueError):
                self._current.reset(token)

    def attempt(self, began: float) -> Attempt | None:
        """A run begins that no other run called: which attempt it is; `None` outside of a question.

        Args:
            began: When it begins.
        """
        question = self._current.get()
        if question is None:
            return None
        with self._lock:
            question.attempts += 1
            if question.began is None:
                question.began = began
            return Attempt(question.question_id, question.attempts, question.began)

    def _question(self, question_id: str) -> Question:
        with self._lock:
            question = self._known.setdefault(question_id, Question(question_id))
            self._known.move_to_end(question_id)
            if len(self._known) > MAX_QUESTIONS:
                self._known.popitem(last=False)
            return question
