"""A Temporal workflow, in a module of its own as a worker's sandbox imports it anew for each run."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from support.temporal_worker import AGENTS


@workflow.defn
class Sleep:
    """Runs the agent whose tap is attached at the place it is given."""

    @workflow.run
    async def run(self, place: str) -> str:
        """What the agent says."""
        agent, options = AGENTS[place]
        return (await agent.run('Sleep', **options)).output
