"""Semantic conventions 1.41: the last that the core repository of OpenTelemetry has published for generative AI."""

from __future__ import annotations

from streamtap._sinks.otel.conventions import shared
from streamtap._sinks.otel.conventions.agents import agent_instruments
from streamtap._sinks.otel.conventions.tables import SECONDS, TOKENS, Attribute, Instrument, Profile, SpanType

V1_41 = Profile(
    '1.41',
    instruments=(
        Instrument(
            'gen_ai.client.operation.duration',
            'histogram',
            's',
            'request',
            (*shared.OF_REQUESTS, shared.ERROR),
            SECONDS,
            'duration',
            note='Without the time in which your code held the stream.',
        ),
        Instrument(
            'gen_ai.client.token.usage',
            'histogram',
            '{token}',
            'request',
            (*shared.OF_REQUESTS, Attribute('gen_ai.token.type', 'required')),
            TOKENS,
            'tokens_by_type',
            note='Where the provider reported usage.',
            is_twice=True,
        ),
        Instrument(
            'gen_ai.client.operation.time_to_first_chunk',
            'histogram',
            's',
            'request',
            shared.OF_REQUESTS,
            SECONDS,
            'time_to_first_chunk',
            note='Of streamed requests.',
            is_twice=True,
        ),
        Instrument(
            'gen_ai.client.operation.time_per_output_chunk',
            'histogram',
            's',
            'request',
            shared.OF_REQUESTS,
            SECONDS,
            'times_per_chunk',
            note=shared.PER_CHUNK,
            is_dear=True,
        ),
        *agent_instruments(is_later=True),
        *shared.mcp_instruments(
            of_sessions=(
                Attribute('network.protocol.version', 'recommended'),
                Attribute('network.transport', 'recommended'),
            )
        ),
    ),
    spans=(
        SpanType(
            'gen_ai.inference.client',
            'request',
            'client',
            (
                *shared.OF_REQUESTS,
                shared.ERROR,
                *shared.REQUEST_SETTINGS,
                Attribute('gen_ai.request.top_k', 'recommended', note=shared.BY_CAPABILITY),
                shared.OUTPUT_TYPE,
                *shared.RESPONSES,
                Attribute('gen_ai.usage.cache_creation.input_tokens', 'recommended'),
                *shared.CONTENTS,
            ),
        ),
        SpanType(
            'gen_ai.invoke_agent.internal',
            'run',
            'internal',
            (
                shared.OPERATION,
                Attribute(
                    'gen_ai.provider.name',
                    'required',
                    'Back ends count each span that names a provider as a request; newer conventions leave it out, too.',
                ),
                shared.ERROR,
                Attribute('gen_ai.request.model', 'conditional', note='If all requests of the run asked one.'),
                shared.AGENT,
                Attribute('gen_ai.conversation.id', 'conditional'),
                Attribute('gen_ai.agent.id', 'conditional', shared.NONE_HERE),
                Attribute('gen_ai.agent.description', 'conditional', shared.CONTENT),
                Attribute('gen_ai.agent.version', 'conditional', shared.NONE_HERE),
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
                    'gen_ai.usage.cache_read.input_tokens',
                    'gen_ai.usage.cache_creation.input_tokens',
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
                shared.ERROR,
                Attribute('gen_ai.tool.name', 'required'),
                Attribute('gen_ai.tool.call.id', 'recommended'),
                Attribute('gen_ai.tool.type', 'recommended'),
                Attribute('gen_ai.tool.description', 'recommended', shared.CONTENT),
                *shared.TOOL_CONTENTS,
            ),
        ),
        SpanType('mcp.client', 'MCP call', 'client', shared.MCP_ON_SPANS),
    ),
    left_out=(*shared.NO_SERVER, *shared.OTHER_SPANS),
    cache_write='gen_ai.usage.cache_creation.input_tokens',
    reports_no_usage=False,
    ends_as_error=False,
    top_k=float,
)
