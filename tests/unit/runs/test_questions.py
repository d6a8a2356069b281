"""Runs that are attempts at one question."""

from __future__ import annotations

import asyncio
import threading

import pytest

from streamtap import Tap
from streamtap._runs.questions import MAX_QUESTIONS, Attempt, Questions


def test_outside_of_a_question_a_run_is_no_attempt():
    """Nor after one."""
    questions = Questions()
    with questions.asked('q'):
        pass
    assert questions.attempt(1.0) is None


def test_attempts_are_counted_from_1_and_know_when_the_first_began():
    """Each run in the block is one."""
    questions = Questions()
    with questions.asked('q') as question_id:
        attempts = [questions.attempt(began) for began in (5.0, 6.0, 7.0)]
    assert question_id == 'q'
    assert attempts == [Attempt('q', 1, 5.0), Attempt('q', 2, 5.0), Attempt('q', 3, 5.0)]


def test_the_same_id_is_the_same_question():
    """In two places of a program, one after the other."""
    questions = Questions()
    with questions.asked('q'):
        questions.attempt(5.0)
    with questions.asked('q'):
        assert questions.attempt(60.0) == Attempt('q', 2, 5.0)


def test_without_an_id_each_block_is_a_question_of_its_own():
    """With an id that nobody can guess."""
    questions = Questions()
    with questions.asked(None) as one:
        pass
    with questions.asked(None) as other:
        assert questions.attempt(1.0) == Attempt(other, 1, 1.0)
    assert len({one, other}) == 2


def test_a_question_inside_a_question_is_another():
    """After it, the outer one goes on."""
    questions = Questions()
    with questions.asked('outer'):
        questions.attempt(1.0)
        with questions.asked('inner'):
            assert questions.attempt(2.0) == Attempt('inner', 1, 2.0)
        assert questions.attempt(3.0) == Attempt('outer', 2, 1.0)


def test_questions_in_tasks_and_threads_beside_each_other_are_not_mixed():
    """Each task and each thread is in its own block."""
    questions = Questions()
    seen: list[Attempt | None] = []

    async def ask(name: str) -> None:
        with questions.asked(name):
            seen.append(questions.attempt(1.0))
            await asyncio.sleep(0)
            seen.append(questions.attempt(2.0))

    async def both() -> None:
        await asyncio.gather(ask('a'), ask('b'))

    with questions.asked('main'):
        thread = threading.Thread(target=asyncio.run, args=(both(),))
        thread.start()
        thread.join()
        assert questions.attempt(3.0) == Attempt('main', 1, 3.0)
    assert seen == [Attempt('a', 1, 1.0), Attempt('b', 1, 1.0), Attempt('a', 2, 1.0), Attempt('b', 2, 1.0)]


def test_a_block_that_raises_ends_the_question():
    """The error is the user's, and goes on."""
    questions = Questions()
    with pytest.raises(ValueError, match='enough'), questions.asked('q'):
        raise ValueError('enough')
    assert questions.attempt(1.0) is None


def test_the_questions_that_were_asked_last_are_known():
    """At most 10,000; an older id is a new question."""
    questions = Questions()
    for number in range(MAX_QUESTIONS):
        with questions.asked(str(number)):
            questions.attempt(1.0)
    with questions.asked('0'), questions.asked('new'):
        pass
    numbers: dict[str, int] = {}
    for name in ('0', '2', '1'):
        with questions.asked(name):
            attempt = questions.attempt(2.0)
        assert attempt is not None
        numbers[name] = attempt.number
    assert numbers == {'0': 2, '2': 2, '1': 1}


def test_an_id_is_text():
    """Nothing else."""
    with Tap([]) as tap, pytest.raises(TypeError, match='question_id'):
        tap.question(5)  # pyright: ignore[reportArgumentType]
