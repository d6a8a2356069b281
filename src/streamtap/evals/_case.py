"""The case that is being evaluated, where pydantic-evals keeps it.

Its public functions can add to a case's metrics and cannot read them, so a maximum needs the case itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable


class Case(Protocol):
    """One execution of a case's task, as pydantic-evals gathers what it did."""

    attributes: dict[str, object]
    metrics: dict[str, int | float]


def current_case() -> Callable[[], Case | None]:
    """A function that returns the case whose task runs the current code, if there is one.

    Raises:
        ImportError: If this release of pydantic-evals keeps it elsewhere.
    """
    try:
        from pydantic_evals import _task_run  # pyright: ignore[reportPrivateUsage]

        current = _task_run.CURRENT_TASK_RUN.get
    except (ImportError, AttributeError) as error:
        raise ImportError(
            'this release of pydantic-evals keeps the case that it evaluates where streamtap does not look: '
            'update streamtap, or take an older pydantic-evals'
        ) from error
    return cast('Callable[[], Case | None]', current)
