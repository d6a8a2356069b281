"""What a case is: a run, and what is true of it."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from support.doors import DOORS, Door

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from streamtap.testing import ChatRequest, Reply
    from truth.world import World

    Script: TypeAlias = Sequence[Reply] | Callable[[ChatRequest], Reply]


@dataclass(frozen=True)
class Expected:
    """What a door has to record of a case.

    Args:
        run: The outcome of the outermost run, and `outcome ErrorType` where it failed.
        requests: The outcome of each request of all runs in the order in which they began, likewise.
        tools: The name and outcome of each tool call of all runs, in any order, and why it was to be made again or
            what it raised, where it was or did.
        nested: The outcome of each nested run, by its agent's name; of several with commas between.
        parents: The agents that called nested agents, where it was not the outermost one.
        output_retries: How many outputs were sent back, in all runs.
        chunks: Whether the chunks of what streamed are seen at all.
        first_token: Whether the time to first token is known of what streamed; or of which request.
        pace: Whether gaps and tokens per second are known of what streamed; or of which request.
        speed: Whether tokens per second are known where the pace is.
        tokens_per_second: How fast the model writes, where the chunks do not leave as it does.
        tool_times: Whether durations are known of tools that ran; or of which tools.
        untimed: Tools that ran, or ids of their calls, whose durations cannot be known all the same.
        usage: Whether the tokens of complete responses are known.
        run_start: Whether it is known when the run began.
        models: The model of each request, where more than one is asked.
        counts_before: Whether the time to first token counts from where the case says that the waiting began
            (`World.waiting`), because nobody can tell the model's time from what came before it.
        phases: Those of the phases measured by the case (`World.spent`) that are known; the others are absent.
        stalls: How many stalls there were.
        reader: Whether what the reader of the run's output sees is known; a reader there is.
        scrapes: What each scrape showed while the run went on: the stage of the stalled stream, `calm` if none was
            stalled, `nothing` if the run was not seen.
        facts: Fields of the records of outermost runs, nested runs, requests and tool calls, by names such as
            `tool.repeated`, each with its value in every record in the order in which they began.
    """

    run: str = 'success'
    _: KW_ONLY
    requests: tuple[str, ...] = ('success',)
    tools: tuple[str, ...] = ()
    nested: Mapping[str, str] | None = None
    parents: Mapping[str, str] | None = None
    output_retries: int = 0
    chunks: bool = True
    first_token: bool | tuple[bool, ...] = True
    pace: bool | tuple[bool, ...] = True
    speed: bool = True
    tokens_per_second: float | None = None
    tool_times: bool | tuple[str, ...] = True
    untimed: tuple[str, ...] = ()
    usage: bool = True
    run_start: bool = True
    models: tuple[str, ...] | None = None
    counts_before: bool = False
    phases: tuple[str, ...] = ()
    stalls: int = 0
    reader: bool = False
    scrapes: tuple[str, ...] = ()
    facts: Mapping[str, tuple[object, ...]] = field(default_factory=dict[str, tuple[object, ...]])


@dataclass(frozen=True)
class Case:
    """A way to run an agent, or a way in which a run ends.

    Args:
        group: What it is an example of.
        name: What happens in it, for people.
        drive: Runs the agent; what it raises is the run's own affair.
        script: What the server answers.
        expected: What each door has to record; a door that is not there cannot be used that way.
        options: Options of the tap.
        raises: What comes out of it.
    """

    group: str
    name: str
    drive: Callable[[World], Awaitable[object]]
    script: Script
    expected: Mapping[Door, Expected]
    options: Mapping[str, Any]
    raises: type[BaseException] | None = None


class Group:
    """Cases of one kind, gathered by decorating what drives them.

    Args:
        name: What they are examples of.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.cases: list[Case] = []

    def case(
        self,
        script: Script,
        expected: Expected,
        *,
        but: Mapping[Door, Mapping[str, Any]] | None = None,
        doors: tuple[Door, ...] = DOORS,
        raises: type[BaseException] | None = None,
        **options: Any,
    ) -> Callable[[Callable[[World], Awaitable[object]]], Callable[[World], Awaitable[object]]]:
        """Make a case of a function; its docstring is the case's name.

        Args:
            script: What the server answers.
            expected: What every door has to record.
            but: What of it is different for a door.
            doors: The doors that can be used that way.
            raises: What comes out of the function.
            **options: Options of the tap.
        """

        def add(drive: Callable[[World], Awaitable[object]]) -> Callable[[World], Awaitable[object]]:
            name = (drive.__doc__ or drive.__name__).strip().rstrip('.')
            by_door: dict[Door, Expected] = {door: replace(expected, **(but or {}).get(door, {})) for door in doors}
            self.cases.append(Case(self.name, name, drive, script, by_door, options, raises))
            return drive

        return add
