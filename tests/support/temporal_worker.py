"""What a Temporal server has a worker do: call an activity, and replay a workflow from its history."""

from __future__ import annotations

import inspect
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from pydantic_ai.durable_exec.temporal import TemporalDurability, TemporalRunContext
from pydantic_ai.models import Model
from pydantic_ai.tools import RunContext
from pydantic_ai.usage import RunUsage
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import ActivityEnvironment

from streamtap import Tap
from streamtap.testing import Capture, MemorySink
from support.durable_agents import PLACES, SAYS, durable_agent

if TYPE_CHECKING:
    from pydantic_ai import Agent
    from pydantic_ai.messages import ModelResponse

_MEMORIES = {place: MemorySink() for place in PLACES}
SEEN = {str(place): Capture(Tap([memory]), memory) for place, memory in _MEMORIES.items()}
"""What the tap at each place told."""

_engine = partial(TemporalDurability, activity_config={'start_to_close_timeout': timedelta(seconds=10)})
AGENTS = {str(place): durable_agent(_engine, place, SEEN[place].tap, SAYS) for place in PLACES}
"""Outside the workflow's sandbox: with a tap at each place, an agent and the arguments of its runs."""


async def call_activity(agent: Agent[Any, Any], name: str, **arguments: Any) -> Any:
    """Call an activity of the agent, which gets as much of the run's context as crosses to it.

    Args:
        agent: The agent.
        name: The attribute that holds the activity.
        arguments: What it is given besides the context.
    """
    durability = cast('object', TemporalDurability.from_agent(agent))  # pyright: ignore[reportUnknownMemberType]
    model = agent.model
    assert isinstance(model, Model)
    activity = getattr(durability, name)
    parameters = inspect.get_annotations(activity, eval_str=True)['params']
    ctx = RunContext(deps=None, agent=agent, model=model, usage=RunUsage(), run_id='night:1', run_step=1)
    carried = TemporalRunContext.serialize_run_context(ctx)
    return await ActivityEnvironment().run(activity, parameters(**arguments, serialized_run_context=carried), None)


async def history(
    workflow: str, argument: str, activity: str, response: ModelResponse | None, result: str
) -> WorkflowHistory:
    """The history of a workflow that made one request and returned what it said.

    Args:
        workflow: The workflow's name.
        argument: What it was given.
        activity: The name of the activity that made the request.
        response: What came back; `None` if that is still to come.
        result: What the workflow returned.
    """
    events: list[HistoryEvent] = []
    encode = pydantic_data_converter.encode

    def add(kind: EventType.ValueType) -> HistoryEvent:
        event = HistoryEvent(event_id=len(events) + 1, event_type=kind)
        event.event_time.FromDatetime(datetime(2026, 1, 1, tzinfo=timezone.utc))
        events.append(event)
        return event

    def workflow_task() -> int:
        scheduled = add(EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED)
        scheduled.workflow_task_scheduled_event_attributes.attempt = 1
        started = add(EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED)
        started.workflow_task_started_event_attributes.scheduled_event_id = scheduled.event_id
        completed = add(EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED)
        completed.workflow_task_completed_event_attributes.scheduled_event_id = scheduled.event_id
        completed.workflow_task_completed_event_attributes.started_event_id = started.event_id
        return completed.event_id

    began = add(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED).workflow_execution_started_event_attributes
    began.workflow_type.name = workflow
    began.task_queue.name = 'queue'
    began.original_execution_run_id = 'run'
    began.attempt = 1
    began.input.payloads.extend(await encode([argument]))
    task = workflow_task()
    asked = add(EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
    asked.activity_task_scheduled_event_attributes.activity_id = '1'
    asked.activity_task_scheduled_event_attributes.activity_type.name = activity
    asked.activity_task_scheduled_event_attributes.workflow_task_completed_event_id = task
    taken = add(EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED)
    taken.activity_task_started_event_attributes.scheduled_event_id = asked.event_id
    if response is None:
        return WorkflowHistory('night', events)
    answered = add(EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED).activity_task_completed_event_attributes
    answered.scheduled_event_id, answered.started_event_id = asked.event_id, taken.event_id
    answered.result.payloads.extend(await encode([response]))
    task = workflow_task()
    ended = add(EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED).workflow_execution_completed_event_attributes
    ended.workflow_task_completed_event_id = task
    ended.result.payloads.extend(await encode([result]))
    return WorkflowHistory('night', events)
