"""What OpenTelemetry's conventions for generative AI publish of metrics and spans, in our own words.

1.41 is from the tag v1.41.0 of the core repository. The newest are from the repository that they have since moved to, at
024a4f94, with the metrics of tokens as of 066d4a7f. Nothing in here is read from the package.
"""

from __future__ import annotations

from dataclasses import dataclass

D14 = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
T14 = tuple(4**power for power in range(14))
C8 = tuple(2**power for power in range(8))
M14 = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
UNSAID = None
"""The conventions ask for no bounds."""


@dataclass(frozen=True)
class Published:
    """A metric as it is published."""

    type: str
    unit: str
    bounds: tuple[float, ...] | None
    attributes: dict[str, str]


def levels(**names: str) -> dict[str, str]:
    """Names of attributes by level, separated by blanks."""
    full = {'r': 'required', 'c': 'conditional', 'n': 'recommended', 'o': 'opt-in'}
    return {name: full[level] for level, listed in names.items() for name in listed.split()}


REQUEST = levels(
    r='gen_ai.operation.name gen_ai.provider.name',
    c='gen_ai.request.model server.port',
    n='gen_ai.response.model server.address',
)
ERROR = levels(c='error.type')
MODALITY = levels(r='gen_ai.token.modality')
MCP = levels(
    r='mcp.method.name',
    c='error.type gen_ai.tool.name gen_ai.prompt.name rpc.response.status_code',
    n='gen_ai.operation.name jsonrpc.protocol.version mcp.protocol.version network.protocol.name '
    'network.protocol.version network.transport server.address server.port',
    o='mcp.resource.uri',
)
MCP_SESSION = {
    **ERROR,
    **levels(n='mcp.protocol.version network.protocol.name jsonrpc.protocol.version server.address server.port'),
}

AGENTS_AND_TOOLS = {
    'gen_ai.invoke_agent.duration': Published(
        'histogram', 's', UNSAID, {**ERROR, **levels(c='gen_ai.agent.name', n='gen_ai.request.model')}
    ),
    'gen_ai.invoke_agent.inference_calls': Published(
        'histogram', '{inference_call}', C8, levels(n='gen_ai.agent.name')
    ),
    'gen_ai.invoke_agent.tool_calls': Published('histogram', '{tool_call}', C8, levels(n='gen_ai.agent.name')),
    'gen_ai.execute_tool.duration': Published(
        'histogram',
        's',
        UNSAID,
        {**ERROR, **levels(r='gen_ai.tool.name', c='gen_ai.agent.name', n='gen_ai.tool.type')},
    ),
}
"""Newer than 1.41."""

METRICS: dict[str, dict[str, Published]] = {
    '1.41': {
        'gen_ai.client.token.usage': Published(
            'histogram', '{token}', T14, {**REQUEST, **levels(r='gen_ai.token.type')}
        ),
        'gen_ai.client.operation.duration': Published('histogram', 's', D14, {**REQUEST, **ERROR}),
        'gen_ai.client.operation.time_to_first_chunk': Published('histogram', 's', D14, REQUEST),
        'gen_ai.client.operation.time_per_output_chunk': Published('histogram', 's', D14, REQUEST),
        'mcp.client.operation.duration': Published('histogram', 's', M14, MCP),
        'mcp.client.session.duration': Published(
            'histogram', 's', M14, {**MCP_SESSION, **levels(n='network.protocol.version network.transport')}
        ),
    },
    'latest': {
        'gen_ai.client.inference.duration': Published('histogram', 's', D14, {**REQUEST, **ERROR}),
        'gen_ai.client.inference.time_to_first_chunk': Published('histogram', 's', D14, REQUEST),
        'gen_ai.client.inference.time_per_output_chunk': Published('histogram', 's', D14, REQUEST),
        **{
            f'gen_ai.client.inference.usage.{name}': Published('counter', '{token}', UNSAID, {**REQUEST, **MODALITY})
            for name in (
                'input_tokens',
                'output_tokens',
                'cache_read.input_tokens',
                'cache_write.input_tokens',
                'reasoning.output_tokens',
            )
        },
        **{
            f'gen_ai.client.inference.operation.{name}': Published('histogram', '{token}', UNSAID, {**REQUEST, **ERROR})
            for name in ('input_tokens', 'output_tokens')
        },
        **AGENTS_AND_TOOLS,
        'mcp.client.operation.duration': Published(
            'histogram', 's', M14, {**MCP, **levels(o='gen_ai.prompt.variable')}
        ),
        'mcp.client.session.duration': Published('histogram', 's', M14, MCP_SESSION),
    },
}
"""The metrics of the client side of each version."""

ELSEWHERE = {
    '1.41': {
        'gen_ai.server.request.duration',
        'gen_ai.server.time_per_output_token',
        'gen_ai.server.time_to_first_token',
    },
    'latest': {
        'gen_ai.server.request.duration',
        'gen_ai.server.time_per_output_token',
        'gen_ai.server.time_to_first_token',
        'gen_ai.client.operation.duration',
        'gen_ai.invoke_workflow.duration',
    },
}
"""The metrics that no event stream of an agent can fill."""

SETTINGS = levels(
    c='gen_ai.request.choice.count gen_ai.request.seed gen_ai.output.type',
    n='gen_ai.request.max_tokens gen_ai.request.temperature gen_ai.request.top_p gen_ai.request.stop_sequences '
    'gen_ai.request.frequency_penalty gen_ai.request.presence_penalty gen_ai.response.finish_reasons '
    'gen_ai.usage.input_tokens gen_ai.usage.output_tokens',
    o='gen_ai.system_instructions gen_ai.input.messages gen_ai.output.messages gen_ai.tool.definitions',
)
RESPONSE = levels(
    c='gen_ai.request.stream gen_ai.conversation.id',
    n='gen_ai.response.id gen_ai.response.time_to_first_chunk gen_ai.usage.cache_read.input_tokens '
    'gen_ai.usage.reasoning.output_tokens',
)
TOOL = {
    **ERROR,
    **levels(
        r='gen_ai.operation.name gen_ai.tool.name',
        n='gen_ai.tool.call.id gen_ai.tool.description gen_ai.tool.type',
        o='gen_ai.tool.call.arguments gen_ai.tool.call.result',
    ),
}
MCP_SPAN = {
    **{name: level for name, level in MCP.items() if name not in TOOL and name != 'mcp.resource.uri'},
    **levels(c='mcp.resource.uri jsonrpc.request.id', n='mcp.session.id'),
}
"""What an MCP call adds to the span of the tool; the rest is on that already."""

SPANS: dict[str, dict[str, dict[str, str]]] = {
    '1.41': {
        'gen_ai.inference.client': {
            **REQUEST,
            **ERROR,
            **SETTINGS,
            **RESPONSE,
            **levels(n='gen_ai.request.top_k gen_ai.usage.cache_creation.input_tokens'),
        },
        'gen_ai.invoke_agent.internal': {
            **ERROR,
            **SETTINGS,
            **levels(
                r='gen_ai.operation.name gen_ai.provider.name',
                c='gen_ai.request.model gen_ai.conversation.id gen_ai.agent.id gen_ai.agent.name '
                'gen_ai.agent.description gen_ai.agent.version gen_ai.data_source.id',
                n='gen_ai.usage.cache_read.input_tokens gen_ai.usage.cache_creation.input_tokens',
            ),
        },
        'gen_ai.execute_tool.internal': TOOL,
        'mcp.client': MCP_SPAN,
    },
    'latest': {
        'gen_ai.client.inference': {
            **REQUEST,
            **ERROR,
            **SETTINGS,
            **RESPONSE,
            **levels(
                c='gen_ai.request.top_k gen_ai.prompt.name gen_ai.prompt.version',
                n='gen_ai.request.reasoning.level gen_ai.request.previous_response.id gen_ai.conversation.compacted '
                'gen_ai.usage.cache_write.input_tokens gen_ai.usage.text.input_tokens gen_ai.usage.image.input_tokens '
                'gen_ai.usage.audio.input_tokens gen_ai.usage.text.cache_read.input_tokens '
                'gen_ai.usage.image.cache_read.input_tokens gen_ai.usage.audio.cache_read.input_tokens '
                'gen_ai.usage.text.output_tokens gen_ai.usage.image.output_tokens gen_ai.usage.audio.output_tokens',
                o='gen_ai.prompt.variable',
            ),
        },
        'gen_ai.invoke_agent.internal': {
            **ERROR,
            **SETTINGS,
            **levels(
                r='gen_ai.operation.name',
                c='gen_ai.conversation.id gen_ai.agent.name gen_ai.agent.description gen_ai.data_source.id',
                n='gen_ai.request.model',
            ),
        },
        'gen_ai.execute_tool.internal': {**TOOL, **levels(c='gen_ai.agent.name gen_ai.conversation.id')},
        'mcp.client': MCP_SPAN,
    },
}
"""The spans of an agent's process, with the level of each of their attributes."""
