"""What a run is to do: drawn by chance, from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from random import Random

MODELS = ('small', 'large')

INVENTED = 'invented'
"""A tool that only the model knows of."""

KNOWN = ('work', 'work', 'again', 'gives_up')
STATUSES = (429, 500, 503)


@dataclass(frozen=True, slots=True)
class Failure:
    """The provider fails: with an HTTP status before the first chunk, or by losing the connection after some."""

    after_chunks: int
    status: int | None


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model answers; `usage` is input and output tokens, if it reports any."""

    chunks: int
    calls: tuple[str, ...]
    usage: tuple[int, int] | None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """The run is stopped: its task is cancelled, or its token, after so many turns of the loop."""

    by: Literal['task', 'token']
    after: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One run; `leaves_after` and `holds` are the consumer's: events after which it leaves, and turns it holds each."""

    model: str
    replies: tuple[Reply, ...]
    stop: Stop | None = None
    request_limit: int | None = None
    leaves_after: int | None = None
    holds: int = 0


def draw(rng: Random, *, depth: int = 0, is_cut_off: bool = False) -> Plan:
    """Draw a run.

    Args:
        rng: Where chance comes from.
        depth: How many runs called it; only the outermost call others, or are stopped on purpose.
        is_cut_off: Whether the run that calls it may be cut off, and this one with it.
    """
    stop = Stop(rng.choice(('task', 'task', 'token')), int(rng.expovariate(1 / 12))) if rng.random() < 0.15 else None
    stop = stop if depth == 0 else None
    leaves_after = rng.randint(1, 6) if rng.random() < 0.1 else None
    is_cut_off = is_cut_off or stop is not None or leaves_after is not None
    # Of a round that is cut off, nobody can say whether the run had refused an unknown tool by then.
    tools = KNOWN if is_cut_off else (*KNOWN, INVENTED)
    replies: list[Reply] = [_round(rng, depth, tools) for _ in range(rng.choices((0, 1, 2), (5, 4, 1))[0])]
    if not any('breaks' in reply.calls for reply in replies):
        replies.append(Reply(rng.randint(1, 4), (), _usage(rng)))
    for place, reply in enumerate(replies):
        if 'breaks' in reply.calls:
            del replies[place + 1 :]
            break
    if rng.random() < 0.08:
        place = rng.randrange(len(replies))
        replies[place:] = [Reply(rng.randint(1, 3), (), None, _failure(rng))]
    return Plan(
        model=rng.choice(MODELS),
        replies=tuple(replies),
        stop=stop,
        request_limit=1 if rng.random() < 0.04 else None,
        leaves_after=leaves_after,
        holds=rng.choice((0, 0, 1, 5)),
    )


def _round(rng: Random, depth: int, tools: tuple[str, ...]) -> Reply:
    if rng.random() < 0.05:
        # What runs beside a tool that raises never ends by itself, so that it is certain what ended it.
        return Reply(0, ('breaks', *('endless',) * rng.choice((0, 0, 1, 2))), _usage(rng))
    calls = tuple(rng.choice(tools) for _ in range(rng.choice((1, 1, 2, 3))))
    return Reply(0, (*calls, 'delegate') if depth == 0 and rng.random() < 0.25 else calls, _usage(rng))


def _usage(rng: Random) -> tuple[int, int] | None:
    return None if rng.random() < 0.05 else (rng.randint(1, 500), rng.randint(1, 50))


def _failure(rng: Random) -> Failure:
    after = rng.choice((0, 0, 1, 2))
    return Failure(after, None if after else rng.choice(STATUSES))
