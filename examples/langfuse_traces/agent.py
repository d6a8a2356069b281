"""Langfuse: its SDK puts the spans of Pydantic AI and of the tap into one trace.

Look at the tree: Pydantic AI's own spans have the messages, and the tap adds when the first token came, and below each
`chat` its parts. Langfuse's SDK sends only what it knows to be about models: `should_export_span` lets the parts in.
Without `LANGFUSE_PUBLIC_KEY`, `LANGFUSE_SECRET_KEY` and `LANGFUSE_BASE_URL` in the environment a stand-in takes the
spans, and nothing leaves this machine.
"""

import asyncio
import os
from collections.abc import AsyncIterator

from langfuse import Langfuse
from langfuse.span_filter import is_default_export_span
from opentelemetry.sdk.trace import ReadableSpan
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models.function import AgentInfo, FunctionModel
from stand_in import StandIn

from streamtap import Tap


async def slowly(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
    """Stands for a model."""
    await asyncio.sleep(0.3)
    yield 'Hello to you.'


def is_sent(span: ReadableSpan) -> bool:
    """Whether a span goes to Langfuse: what it takes anyway, and the tap's."""
    scope = span.instrumentation_scope
    return is_default_export_span(span) or (scope is not None and scope.name == 'streamtap')


def ask(langfuse: Langfuse) -> None:
    """Run once; Langfuse's client has set the tracer provider, which the tap uses."""
    Agent.instrument_all()
    with Tap() as tap:
        model = FunctionModel(stream_function=slowly, model_name='slow')
        agent = Agent(model, name='greeter', capabilities=[tap.capability(stream=True)])
        print(agent.run_sync('hello').output)
    langfuse.shutdown()


if __name__ == '__main__':
    if 'LANGFUSE_PUBLIC_KEY' in os.environ:
        ask(Langfuse(should_export_span=is_sent))
    else:
        with StandIn() as stand_in:
            ask(Langfuse(public_key='pk', secret_key='sk', base_url=stand_in.url, should_export_span=is_sent))
            stand_in.show()
