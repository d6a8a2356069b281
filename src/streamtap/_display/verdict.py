"""Why a run failed, or what most of its time was spent on, in a few words; nested runs are followed down to the cause."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from streamtap._display.callers import with_callers
from streamtap._display.cut_off import after_last_chunk, silence_at_end, where_cut_off
from streamtap._display.spans import spans, waited_for
from streamtap._display.text import model_name
from streamtap._records.failed import failure_of
from streamtap._records.records import ResponseRecord, ToolRecord
from streamtap._records.run_tree import RunTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from streamtap._display.spans import Span
    from streamtap._records.records import FailureRecord
    from streamtap._records.run_tree import Piece

Mood: TypeAlias = Literal['bad', 'warn', '']
"""How bad it is: `warn` is for a run that was not finished, for a stall, and for a loop."""

MOST = 0.5
"""The share of a run's time from which one cause is most of it; below it, two are named."""

_MOST_TOOLS = 2
"""How many tools of a loop are named: those that were called again most often."""

_NOTHING = 1e-9
"""Seconds that are left of a cause only because sums of parts are not exact."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person should know first of a run."""

    words: str
    mood: Mood = ''


@dataclass(frozen=True, slots=True)
class Cause:
    """What time was spent on: a phase of a run, or thinking, a silence or a stall in one; `name` is the model's or the tool's."""

    phase: str
    name: str
    agent: str


def verdict(tree: RunTree, written: Callable[[str], str] = str) -> Verdict:
    """The verdict of a run.

    Args:
        tree: The run, with those that it called.
        written: How a name is written inside a sentence, which one from right to left would reorder.
    """
    run, loop = tree.run, in_a_loop(tree, written)
    failed = failure_of(run)
    if failed is not None:
        return Verdict(_joined(_failure_in_words(failed, tree, written), loop), 'bad')
    if run.outcome != 'success':
        where = where_cut_off(tree, written)
        mood = '' if run.outcome in ('deferred', 'incomplete') and not loop else 'warn'
        return Verdict(_joined(f'{run.outcome}{where}', loop), mood)
    if loop:
        return Verdict(loop, 'warn')
    shown = _longest(tree)
    return Verdict(mostly(tree, written), 'warn' if shown and shown[0][0].phase == 'stall' else '')


def mostly(tree: RunTree, written: Callable[[str], str] = str) -> str:
    """What most of a run's time was spent on, however the run ended; where nothing took half of it, the two longest.

    Args:
        tree: The run, with those that it called.
        written: How a name is written inside a sentence.
    """
    return ', '.join(f'{_percent(share)} % {_named(cause, tree.run.agent, written)}' for cause, share in _longest(tree))


def longest_phases(phases: Mapping[str, float], words: Mapping[str, str]) -> str:
    """The phase that took most of a run's time, or the two longest: where neither its models nor its tools are known.

    Args:
        phases: The seconds by phase.
        words: What a phase is called that has another name here than in `mostly`.
    """
    spent = {Cause(phase, '', ''): seconds for phase, seconds in phases.items() if seconds > 0}
    named = [(share, words.get(cause.phase) or _named(cause, '', str)) for cause, share in _most_of(spent)]
    return ', '.join(f'{_percent(share)} % {name}' for share, name in named)


def _percent(share: float) -> int:
    """A share in whole percent; less than most of it, or than all, is not rounded up to that."""
    return min(round(100 * share), 49 if share < MOST else 99 if share < 1 - _NOTHING else 100)


def _longest(tree: RunTree) -> list[tuple[Cause, float]]:
    """What is named of a run's time, each with its share."""
    return _most_of(time_spent(tree))


def _most_of(spent: Mapping[Cause, float]) -> list[tuple[Cause, float]]:
    ranked = sorted(spent.items(), key=lambda each: each[1], reverse=True)
    total = sum(seconds for _, seconds in ranked)
    shares = [(cause, seconds / total) for cause, seconds in ranked]
    return shares[:1] if shares and shares[0][1] >= MOST else shares[:2]


def in_a_loop(tree: RunTree, written: Callable[[str], str] = str) -> str:
    """What a run did again and again, in words; empty unless most of its time or of its requests went there.

    Args:
        tree: The run, with those that it called.
        written: As of `verdict`.
    """
    calls, spent, asking, requests = 0, 0.0, set[tuple[str, int]](), 0
    tools: Counter[tuple[str, str]] = Counter()
    for inside in _runs_of(tree):
        calls += inside.run.loops.calls
        spent += inside.run.loops.seconds
        for piece in inside.pieces:
            requests += isinstance(piece, ResponseRecord)
            if isinstance(piece, ToolRecord) and piece.repeated:
                tools[piece.agent, piece.tool] += 1
                asking.add((piece.run_id, piece.step))
    most_of_time = spent >= MOST * (tree.run.duration or math.inf)
    if not calls or not (most_of_time or len(asking) >= max(1, MOST * requests)):
        return ''
    most = [
        f'{written(tool)}{"" if agent == tree.run.agent else f" ({written(agent)})"}'
        for (agent, tool), _ in tools.most_common(_MOST_TOOLS)
    ]
    named = f'tool{"" if len(most) == 1 else "s"} {" and ".join(most)}' if most else 'the same tools'
    return f'in a loop: {named} again {"once" if calls == 1 else f"{calls:,} times"}'


def _runs_of(tree: RunTree) -> Iterator[RunTree]:
    waiting = [tree]
    while waiting:
        # Not by recursion: runs can be nested more deeply than calls.
        tree = waiting.pop()
        yield tree
        waiting += [each for each in tree.pieces if isinstance(each, RunTree)]


def _joined(*words: str) -> str:
    return ', '.join(filter(None, words))


def time_spent(tree: RunTree) -> Mapping[Cause, float]:
    """The seconds of a run by cause; they add up to the run's phases.

    A phase's seconds are divided among the requests or tool calls that it had, in proportion to their own; stalls keep
    what was measured. Of tools that run at the same time, each instant is that of the last of them to end: the others would not have made the run wait.
    What of this a tool waited for runs that it called is theirs by the same rule, divided in proportion to their phases.
    """
    spent: defaultdict[Cause, float] = defaultdict(float)
    waiting = [(tree, 1.0)]
    while waiting:
        # Not by recursion: runs can be nested more deeply than calls.
        tree, scale = waiting.pop()
        agent, phases = tree.run.agent, tree.run.phases
        waits = _waits_for_tools(tree)
        shares = _shares(tree.pieces, waits)
        for phase, seconds in _with_ends(phases, tree.pieces).items():
            if seconds <= 0:
                continue
            mine = shares.get(phase, {})
            if phase == 'stream':
                mine = _with_exact_stalls(mine, seconds)
            whole = sum(mine.values())
            if not whole:
                spent[Cause(phase, '', agent)] += scale * seconds
                continue
            for (kind, name), share in mine.items():
                spent[Cause(kind, name, agent)] += scale * seconds * share / whole
            if phase == 'tools':
                for nested, tool, part in _nested_in_tools(tree, waits):
                    if known := sum(nested.run.phases.values()):
                        inside = scale * seconds * part / whole
                        spent[Cause('tools', tool, agent)] -= inside
                        waiting.append((nested, inside / known))
    return {cause: seconds for cause, seconds in spent.items() if seconds > _NOTHING}


def _with_ends(phases: Mapping[str, float], pieces: list[Piece]) -> Mapping[str, float]:
    """The phases of a run, with the ends of its responses in the time in which models wrote.

    The phase ends with the last chunk of a response that succeeded; the wait for its end is in what is left.
    """
    ends = sum(
        after_last_chunk(piece)
        for piece in pieces
        if isinstance(piece, ResponseRecord) and piece.streamed and piece.outcome == 'success'
    )
    waited = min(ends, phases.get('other', 0.0))
    if waited <= 0:
        return phases
    return {**phases, 'stream': phases.get('stream', 0.0) + waited, 'other': phases['other'] - waited}


_Shares: TypeAlias = 'dict[str, dict[tuple[str, str], float]]'
_Waits: TypeAlias = 'list[tuple[ToolRecord, Span]]'


def _shares(pieces: list[Piece], waits: _Waits) -> _Shares:
    """For each phase, the seconds of what was going on in it."""
    found: _Shares = defaultdict(lambda: defaultdict(float))
    for tool, (began, ended) in waits:
        found['tools']['tools', tool.tool] += ended - began
    for piece in pieces:
        if isinstance(piece, ToolRecord):
            if piece.kind == 'native':
                found['native_tools']['native_tools', piece.tool] += piece.duration or 0.0
        elif isinstance(piece, ResponseRecord):
            model, first, whole = _model(piece), piece.time_to_first_token, piece.duration or 0.0
            if not piece.streamed:
                found['model']['model', model] += whole
                continue
            found['wait']['wait', model] += whole if first is None else first
            found['stream']['stall', model] += piece.stall_seconds
            if first is not None:
                came = max(0.0, whole - first - piece.stall_seconds)
                silent = min(came, silence_at_end(piece))
                thought = min(came - silent, _thought(piece))
                found['stream']['silent', model] += silent
                found['stream']['thinking', model] += thought
                found['stream']['stream', model] += came - silent - thought
    return found


def _thought(response: ResponseRecord) -> float:
    """The seconds in which the thinking of a response came, without its stalls, of which only the sum is known."""
    times = [
        (part.start, part.start + part.duration)
        for part in response.parts
        if part.kind == 'thinking' and part.start is not None and part.duration is not None
    ]
    stalls = [any(began <= stall < ended for began, ended in times) for stall in response.stall_starts]
    stalled = response.stall_seconds * sum(stalls) / len(stalls) if stalls else 0.0
    return max(0.0, sum(ended - began for began, ended in times) - stalled)


def _with_exact_stalls(shares: dict[tuple[str, str], float], seconds: float) -> dict[tuple[str, str], float]:
    """The shares of the time of streaming: a stall was measured, and what is divided is the rest."""
    stalled = sum(share for (kind, _), share in shares.items() if kind == 'stall')
    writing = sum(shares.values()) - stalled
    if not writing or stalled > seconds:
        return shares
    scale = (seconds - stalled) / writing
    return {key: share if key[0] == 'stall' else scale * share for key, share in shares.items()}


def _waits_for_tools(tree: RunTree) -> _Waits:
    """Each tool call, and when the run waited for it rather than for another one."""
    timed = zip(tree.pieces, spans(tree), strict=True)
    tools = [(each, span) for each, span in timed if isinstance(each, ToolRecord) and each.kind != 'native']
    waits = waited_for(span for _, span in tools)
    return [(tool, span) for (tool, _), span in zip(tools, waits, strict=True)]


def _nested_in_tools(tree: RunTree, waits: _Waits) -> Iterator[tuple[RunTree, str, float]]:
    """Each nested run with the tool that called it, and for how many seconds the run waited for it."""
    inside: defaultdict[int, list[tuple[RunTree, Span]]] = defaultdict(list)
    when = {id(piece): span for piece, span in zip(tree.pieces, spans(tree), strict=True)}
    for nested, caller in with_callers(tree):
        inside[id(caller)].append((nested, when[id(nested)]))
    for tool, span in waits:
        called = inside[id(tool)]
        parts = waited_for((each for _, each in called), span)
        for (nested, _), (began, ended) in zip(called, parts, strict=True):
            yield nested, tool.tool, ended - began


def _failure_in_words(failed: FailureRecord, tree: RunTree, written: Callable[[str], str]) -> str:
    name = written(failed.name)
    where = {'tool': f' in tool {name}', 'model': f' from {name}', '': ''}[failed.place]
    if failed.place != 'tool' and (timed_out := _timed_out(failed, tree)) is not None:
        where = where_cut_off(timed_out, written) or (f' at {name}' if name else '')
    return f'{written(failed.error)}{where}' + ('' if failed.agent == tree.run.agent else f' ({written(failed.agent)})')


def _timed_out(failed: FailureRecord, tree: RunTree) -> RunTree | None:
    """The run of which the failure is that its time was up: the run itself, or one that it called; `None` if of none."""
    return next(
        (
            inside
            for inside in _runs_of(tree)
            if inside.run.outcome == 'timeout' and inside.run.agent == failed.agent and failure_of(inside.run) == failed
        ),
        None,
    )


def _model(record: ResponseRecord) -> str:
    return model_name(record.provider, record.model)


def _named(cause: Cause, outermost: str, written: Callable[[str], str]) -> str:
    name = written(cause.name)
    words = {
        'wait': f'waiting for {name or "the model"}',
        'stream': f'{name or "the model"} writing',
        'thinking': f'{name or "the model"} thinking',
        'silent': f'{name or "the model"} silent',
        'stall': f'{name} stalled',
        'model': name or 'the model',
        'tools': f'tool {name}' if name else 'tools',
        'native_tools': f"the provider's {name or 'tools'}",
        'consumer': "your code's handling of events",
        'queue': 'the queue',
        'other': 'other work',
    }.get(cause.phase, cause.phase)
    return words if cause.agent == outermost else f'{words} ({written(cause.agent)})'
