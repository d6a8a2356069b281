"""The newest conventions, which have a repository of their own and no release yet.

Read in open-telemetry/semantic-conventions-genai, at 024a4f94 and what was merged until its migration guide of 32c328e8.
"""

from __future__ import annotations

from streamtap._sinks.otel.conventions import shared
from streamtap._sinks.otel.conventions.agents import agent_instruments
from streamtap._sinks.otel.conventions.tables import (
    SECONDS,
    TOKENS,
    Attribute,
    Attributes,
    Instrument,
    LeftOut,
    Measure,
    Profile,
    SpanType,
)

_BY_KIND = 'The tap does not split tokens by their kind.'
_MODALITY = Attribute('gen_ai.token.modality', 'required', note='Always `unknown`.')


def _tokens(name: str, measures: Measure, note: str = '') -> Instrument:
    attributes = (*shared.OF_REQUESTS, _MODALITY)
    return Instrument(
        f'gen_ai.client.inference.usage.{name}', 'counter', '{token}', 'request', attributes, (), measures, note=note
    )


def _per_request(name: str, measures: Measure) -> Instrument:
    attributes = (*shared.OF_REQUESTS, shared.ERROR)
    return Instrument(
        f'gen_ai.client.inference.operation.{name}',
        'histogram',
        '{token}',
        'request',
        attributes,
        TOKENS,
        measures,
        note='0 where the provider reported no usage, as the conventions want it.',
    )


_BY_MODALITY: Attributes = tuple(
    Attribute(f'gen_ai.usage.{name}', 'recommended', _BY_KIND)
    for name in (
        'text.input_tokens',
        'image.input_tokens',
        'audio.input_tokens',
        'text.cache_read.input_tokens',
        'image.cache_read.input_tokens',
        'audio.cache_read.input_tokens',
        'text.output_tokens',
        'image.output_tokens',
        'audio.output_tokens',
    )
)

LATEST = Profile(
    'latest',
    instruments=(
        Instrument(
            'gen_ai.client.inference.duration',
            'histogram',
            's',
            'request',
            (*shared.OF_REQUESTS, shared.ERROR),
            SECONDS,
            'duration',
            note='Without the time in which your code held the stream.',
        ),
        Instrument(
            'gen_ai.client.inference.time_to_first_chunk',
            'histogram',
            's',
            'request',
            shared.OF_REQUESTS,
            SECONDS,
            'time_to_first_chunk',
            note='Of streamed requests.',
        ),
        Instrument(
            'gen_ai.client.inference.time_per_output_chunk',
            'histogram',
            's',
            'request',
            shared.OF_REQUESTS,
            SECONDS,
            'times_per_chunk',
            note=shared.PER_CHUNK,
            is_dear=True,
        ),
        _tokens('input_tokens', 'input_tokens', 'Cached ones included.'),
        _tokens('output_tokens', 'output_tokens', 'Reasoning included.'),
        _tokens('cache_read.input_tokens', 'cache_read_tokens'),
        _tokens('cache_write.input_tokens', 'cache_write_tokens'),
        _tokens('reasoning.output_tokens', 'reasoning_tokens'),
        _per_request('input_tokens', 'input_tokens'),
        _per_request('output_tokens', 'output_tokens'),
        *agent_instruments(is_later=False),
        *shared.mcp_instruments(
            of_calls=(Attribute('gen_ai.prompt.variable', 'opt-in', 'An agent calls tools, and no prompts.'),)
        ),
    ),
    spans=(
        SpanType(
            'gen_ai.client.inference',
            'request',
            'client',
            (
                *shared.OF_REQUESTS,
                shared.ERROR,
                *shared.REQUEST_SETTINGS,
                Attribute('gen_ai.request.top_k', 'conditional', note=shared.BY_CAPABILITY),
                Attribute(
                    'gen_ai.request.reasoning.level',
                    'recommended',
                    "It is to be the provider's own word, into which Pydantic AI translates `thinking`.",
                ),
                Attribute('gen_ai.request.previous_response.id', 'recommended', 'It is a setting of single providers.'),
                shared.OUTPUT_TYPE,
                *shared.RESPONSES,
                Attribute('gen_ai.usage.cache_write.input_tokens', 'recommended'),
                *_BY_MODALITY,
                Attribute('gen_ai.conversation.compacted', 'recommended', 'It cannot be told reliably.'),
                Attribute('gen_ai.prompt.name', 'conditional', shared.NONE_HERE),
                Attribute('gen_ai.prompt.version', 'conditional', shared.NONE_HERE),
                Attribute('gen_ai.prompt.variable', 'opt-in', shared.CONTENT),
                *shared.CONTENTS,
            ),
        ),
        SpanType(
            'gen_ai.invoke_agent.internal',
            'run',
            'internal',
            (
                shared.OPERATION,
                shared.ERROR,
                shared.AGENT,
                Attribute('gen_ai.conversation.id', 'conditional'),
                Attribute('gen_ai.request.model', 'recommended', 'It is for agents that can have one model only.'),
                Attribute('gen_ai.agent.description', 'conditional', shared.CONTENT),
                Attribute('gen_ai.data_source.id', 'conditional', shared.NONE_HERE),
                shared.OUTPUT_TYPE,
                *shared.on_requests('conditional', 'gen_ai.request.choice.count', 'gen_ai.request.seed'),
                *shared.on_requests(
                    'recommended',
                    'gen_ai.request.max_tokens',
                    'gen_ai.request.temperature',
                    'gen_ai.request.top_p',
                    'gen_ai.request.stop_sequences',
                    'gen_ai.request.frequency_penalty',
                    'gen_ai.request.presence_penalty',
                    'gen_ai.response.finish_reasons',
                    'gen_ai.usage.input_tokens',
                    'gen_ai.usage.output_tokens',
                ),
                *shared.CONTENTS,
            ),
        ),
        SpanType(
            'gen_ai.execute_tool.internal',
            'tool call',
            'internal',
            (
                shared.OPERATION,
                *shared.OF_TOOLS,
                Attribute('gen_ai.conversation.id', 'conditional'),
                Attribute('gen_ai.tool.call.id', 'recommended'),
                Attribute('gen_ai.tool.description', 'recommended', shared.CONTENT),
                *shared.TOOL_CONTENTS,
            ),
        ),
        SpanType('mcp.client', 'MCP call', 'client', shared.MCP_ON_SPANS),
    ),
    left_out=(
        LeftOut('gen_ai.client.operation.duration', 'It is for operations that are no inference, which no run has.'),
        LeftOut('gen_ai.invoke_workflow.duration', 'A run of an agent is no workflow, and knows of none.'),
        LeftOut('gen_ai.invoke_workflow.internal', 'A run of an agent is no workflow, and knows of none.'),
        LeftOut('gen_ai.plan.internal', 'Planning cannot be told from other thinking.'),
        LeftOut('gen_ai.memory.client', 'No run of an agent makes one.'),
        LeftOut('gen_ai.fetch_response.client', 'No run of an agent makes one.'),
        *shared.NO_SERVER,
        *shared.OTHER_SPANS,
    ),
    cache_write='gen_ai.usage.cache_write.input_tokens',
    reports_no_usage=True,
    ends_as_error=True,
    top_k=int,
)
