"""What really happened in one run, as its model, its tools and its caller wrote it down."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic_ai import AgentRunResultEvent, ModelRetry
from pydantic_ai.exceptions import ModelHTTPError, RunCancelled, ToolFailed, UsageLimitExceeded
from pydantic_ai.messages import (
    FunctionToolCallEvent,
    FunctionToolResultEvent,
    ModelResponse,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from random import Random

    from pydantic_ai.messages import ModelMessage

    from soak.plan import Plan, Reply


@dataclass(frozen=True, slots=True)
class End:
    """How something ended; `error` is what kind of error it was, if it was one."""

    outcome: str
    error: str | None = None


SUCCESS = End('success')
CANCELLED = End('cancelled')


def end_of(error: BaseException) -> End:
    """How a run, a request or a call of the handler ended that raised this."""
    if isinstance(error, (asyncio.CancelledError, GeneratorExit, RunCancelled)):
        return CANCELLED
    if isinstance(error, UsageLimitExceeded):
        return End('limit', 'UsageLimitExceeded')
    if isinstance(error, ModelHTTPError):
        return End('error', f'ModelHTTPError_{error.status_code}')
    return End('error', type(error).__name__)


@dataclass(slots=True, eq=False)
class Asked:
    """A request that reached the model; until it ends it counts as cancelled."""

    reply: Reply
    streamed: bool
    end: End = CANCELLED
    chunks: int = 0


@dataclass(slots=True, eq=False)
class Called:
    """A tool call; until it ends it counts as interrupted."""

    tool: str
    end: End = End('interrupted')
    cause: str | None = None


@dataclass(slots=True, eq=False)
class Entered:
    """A call of the handler: for a response or for a round of tools; without an end it returned."""

    for_response: bool
    end: End | None = None


@dataclass(slots=True, eq=False)
class RunLog:
    """One run.

    Args:
        plan: What it was to do.
        agent: Its agent's name.
        root: The name of the outermost agent that it works for.
        rng: What is left to chance while it goes on.
        number: Its place among all runs.
    """

    plan: Plan
    agent: str
    root: str
    rng: Random
    number: int
    was_started: bool = False
    """Whether the run began, as a capability or whoever reads its events is told."""
    prepared: int = 0
    answers: int = 0
    """The requests that were about to be sent, and those whose answer the run got."""
    end: End | None = None
    told: End | None = None
    """How the run ended, as pydantic-ai told a capability; what a stopped run still does after that, nobody is told."""
    was_left: bool = False
    """Whether whoever read its events left it."""
    history: Sequence[ModelMessage] = ()
    """The run's messages, to which pydantic-ai adds while it goes on."""
    asked: list[Asked] = field(default_factory=list['Asked'])
    ran: dict[str, Called] = field(default_factory=dict[str, 'Called'])
    """What the tools themselves wrote, by call."""
    announced: dict[str, str] = field(default_factory=dict[str, str])
    """The tools that whoever reads the events was told of, by call."""
    results: set[str] = field(default_factory=set[str])
    """The calls of which whoever reads the events was told the result."""
    last_read: object = None
    entered: list[Entered] = field(default_factory=list['Entered'])
    is_in_round: bool = False

    @property
    def has_result(self) -> bool:
        """Whether whoever reads the events was given the run's result."""
        return isinstance(self.last_read, AgentRunResultEvent)

    @property
    def reported(self) -> str:
        """The name that the provider gives the model: another one in each run."""
        return f'{self.plan.model}-{self.number}'

    def committed(self) -> int:
        """How many responses are in the run's history."""
        return sum(isinstance(message, ModelResponse) for message in self.history)

    def ask(self, *, streamed: bool) -> Asked:
        """The model is asked."""
        asked = Asked(self.plan.replies[len(self.asked)], streamed)
        if self.told is None:
            self.asked.append(asked)
        self.is_in_round = False
        return asked

    def answered(self, asked: Asked, end: End) -> None:
        """The model answered, or failed."""
        if self.told is None:
            asked.end = end
        self.is_in_round = end == SUCCESS and bool(asked.reply.calls)

    @contextlib.contextmanager
    def tool(self, name: str, call_id: str | None) -> Generator[None]:
        """A tool runs."""
        called = Called(name)
        if self.told is None:
            self.ran[call_id or ''] = called
        end, cause = SUCCESS, None
        try:
            yield
        except asyncio.CancelledError:
            end = called.end
            raise
        except ModelRetry:
            end, cause = End('retried'), 'model_retry'
            raise
        except ToolFailed:
            end = End('failed')
            raise
        except BaseException as error:
            end = End('error', type(error).__name__)
            raise
        finally:
            # A run that is stopped is over once its tools are, and these may end well before they are let go.
            called.end, called.cause = end, cause

    def read(self, event: object) -> None:
        """Whoever reads the events was given this one."""
        self.last_read = event
        if isinstance(event, FunctionToolCallEvent):
            self.announced[event.part.tool_call_id] = event.part.tool_name
        elif isinstance(event, FunctionToolResultEvent):
            self.results.add(event.part.tool_call_id)

    @contextlib.contextmanager
    def handler(self) -> Generator[None]:
        """The handler is called: for a response and for a round of tools, in turns."""
        entered = Entered(for_response=len(self.entered) % 2 == 0)
        self.entered.append(entered)
        try:
            yield
        except BaseException as error:
            entered.end = end_of(error)
            raise

    def call_id(self, asked: Asked, place: int) -> str:
        """The id of a tool call, unique in its run."""
        return f'{self.number}-{self.asked.index(asked)}-{place}'
