"""A sink of your own in ten lines: a JSON line for each run, for whatever reads your logs.

Look at the line: names, times and counts, and nothing of what was said.
It may block, for a file or a service: it runs on the tap's worker thread, and what it raises never reaches the run.
"""

import json
import sys

from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

from streamtap import BaseSink, RunRecord, Tap, default_sinks


class JsonLines(BaseSink):
    """Writes each run as a line of JSON."""

    def run_ended(self, record: RunRecord) -> None:
        """Write the run."""
        facts = {'agent': record.agent, 'outcome': record.outcome, 'seconds': record.duration, **record.phases}
        json.dump(facts, sys.stdout)
        print()


if __name__ == '__main__':
    with Tap([*default_sinks(), JsonLines()]) as tap:
        agent = Agent(TestModel(), name='logged', capabilities=[tap.capability()])
        agent.run_sync('hello')
        agent.run_sync('hello again')
