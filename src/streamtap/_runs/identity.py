"""Who a run is, as everything that is reported of it repeats."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from streamtap._records.starts import ResponseStart, RunStart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streamtap._records.records import Door


class RunIdentity(NamedTuple):
    """The run that a request or tool call belongs to: what their records repeat of it."""

    run_id: str
    conversation_id: str | None
    parent_run_id: str | None
    parent_tool_call_id: str | None
    """The call of the run above by which it was called, if it is known."""
    agent: str
    root_agent: str
    door: Door
    labels: Mapping[str, str]
    conversation: int
    """The agent's conversation, as a number that says nothing outside of this process."""
    instrumented: bool
    """Whether pydantic-ai's own instrumentation is on for the run."""
    unnamed_agents: int = 0
    """How many agents without a name there are, if the run's agent is one."""

    def run_start(self, started_ns: int, *, has_objective: bool) -> RunStart:
        """The run began."""
        return RunStart(
            run_id=self.run_id,
            conversation_id=self.conversation_id,
            parent_run_id=self.parent_run_id,
            parent_tool_call_id=self.parent_tool_call_id,
            agent=self.agent,
            root_agent=self.root_agent,
            door=self.door,
            labels=self.labels,
            started_ns=started_ns,
            has_objective=has_objective,
        )

    def request_start(self, started_ns: int, *, step: int, provider: str, model: str, streamed: bool) -> ResponseStart:
        """A request of the run began."""
        return ResponseStart(
            run_id=self.run_id,
            conversation_id=self.conversation_id,
            step=step,
            agent=self.agent,
            root_agent=self.root_agent,
            provider=provider,
            model=model,
            door=self.door,
            labels=self.labels,
            started_ns=started_ns,
            streamed=streamed,
        )
