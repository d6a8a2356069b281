"""What both profiles say alike: attributes of requests, tools and MCP calls, and why some are never sent."""

from __future__ import annotations

from streamtap._sinks.otel.conventions.tables import MCP_SECONDS, Attribute, Attributes, Instrument, LeftOut, Level

CONTENT = 'It is content, and no content is recorded.'
UNSEEN = 'Pydantic AI does not let it through.'
ONE_GENERATION = 'Pydantic AI asks for one generation.'
ADDED_UP = 'It is on the spans of the requests: a back end that adds spans up would count it twice.'
BY_REQUEST = 'It is on the spans of the requests, which may differ.'
NONE_HERE = 'Agents of Pydantic AI have none.'
NO_ADDRESS = 'Pydantic AI keeps the addresses of MCP servers out of telemetry, and so does the tap.'
PER_CHUNK = (
    "With `OTelMetricSink(output_chunks='each')`: OpenTelemetry takes one value at a time, and no counts, so a response of "
    '1,000 chunks takes about 10 ms when it has ended. Each is within 2.5 %: the wait for the chunk, without the time in '
    'which your code held the stream. `pydantic_ai.inter_chunk_latency_mean` and `pydantic_ai.inter_chunk_latency_max` '
    'tell of each response at no such cost.'
)
BY_CAPABILITY = 'The capability sees it.'
IN_STANDARD_NAME = "The provider's name as the conventions spell it."
IN_SERVERS_WORDS = 'What the URL of the model says; the port of its scheme if it names none.'
ERRORS = 'The class of the exception, `ModelHTTPError_` and the status, `timeout`, or `_OTHER`; of failures only.'

OPERATION = Attribute('gen_ai.operation.name', 'required')
PROVIDER = Attribute('gen_ai.provider.name', 'required', note=IN_STANDARD_NAME)
ERROR = Attribute('error.type', 'conditional', note=ERRORS)
AGENT = Attribute('gen_ai.agent.name', 'conditional')

OF_REQUESTS: Attributes = (
    OPERATION,
    PROVIDER,
    Attribute('gen_ai.request.model', 'conditional'),
    Attribute('server.port', 'conditional', note=IN_SERVERS_WORDS),
    Attribute('gen_ai.response.model', 'recommended'),
    Attribute('server.address', 'recommended', note=IN_SERVERS_WORDS),
)

OF_RUNS: Attributes = (
    ERROR,
    AGENT,
    Attribute('gen_ai.request.model', 'recommended', 'It is for agents that can have one model only.'),
)

OF_RUN_COUNTS: Attributes = (Attribute('gen_ai.agent.name', 'recommended'),)

OF_TOOLS: Attributes = (
    ERROR,
    Attribute('gen_ai.tool.name', 'required'),
    Attribute(
        'gen_ai.tool.type', 'recommended', note='`extension` for tools of the provider, `function` for all others.'
    ),
    AGENT,
)

REQUEST_SETTINGS: Attributes = (
    Attribute('gen_ai.request.choice.count', 'conditional', ONE_GENERATION),
    Attribute('gen_ai.request.seed', 'conditional', note=BY_CAPABILITY),
    Attribute('gen_ai.request.max_tokens', 'recommended', note=BY_CAPABILITY),
    Attribute('gen_ai.request.temperature', 'recommended', note=BY_CAPABILITY),
    Attribute('gen_ai.request.top_p', 'recommended', note=BY_CAPABILITY),
    Attribute('gen_ai.request.frequency_penalty', 'recommended', note=BY_CAPABILITY),
    Attribute('gen_ai.request.presence_penalty', 'recommended', note=BY_CAPABILITY),
    Attribute('gen_ai.request.stop_sequences', 'recommended', CONTENT),
)

OUTPUT_TYPE = Attribute(
    'gen_ai.output.type',
    'conditional',
    'Pydantic AI asks for structured output in several ways, most of them as a tool.',
)
CONTENTS: Attributes = (
    Attribute('gen_ai.system_instructions', 'opt-in', CONTENT),
    Attribute('gen_ai.input.messages', 'opt-in', CONTENT),
    Attribute('gen_ai.output.messages', 'opt-in', CONTENT),
    Attribute('gen_ai.tool.definitions', 'opt-in', CONTENT),
)
TOOL_CONTENTS: Attributes = (
    Attribute('gen_ai.tool.call.arguments', 'opt-in', CONTENT),
    Attribute('gen_ai.tool.call.result', 'opt-in', CONTENT),
)
RESPONSES: Attributes = (
    Attribute('gen_ai.request.stream', 'conditional'),
    Attribute('gen_ai.conversation.id', 'conditional'),
    Attribute('gen_ai.response.id', 'recommended'),
    Attribute('gen_ai.response.finish_reasons', 'recommended', note='Where the provider gave one.'),
    Attribute('gen_ai.response.time_to_first_chunk', 'recommended'),
    Attribute('gen_ai.usage.input_tokens', 'recommended'),
    Attribute('gen_ai.usage.output_tokens', 'recommended'),
    Attribute('gen_ai.usage.cache_read.input_tokens', 'recommended'),
    Attribute('gen_ai.usage.reasoning.output_tokens', 'recommended'),
)

_OF_MCP: Attributes = (
    Attribute('mcp.method.name', 'required', note='Always `tools/call`.'),
    Attribute(
        'error.type', 'conditional', note='`tool_error` where the server said so, else the class of the exception.'
    ),
    Attribute('gen_ai.tool.name', 'conditional', note='As the agent knows it, with the prefix that its toolset has.'),
    Attribute('gen_ai.prompt.name', 'conditional', 'An agent calls tools, and no prompts.'),
    Attribute('rpc.response.status_code', 'conditional', UNSEEN),
    Attribute('gen_ai.operation.name', 'recommended'),
    Attribute('jsonrpc.protocol.version', 'recommended', 'It is 2.0, and only others are to be sent.'),
    Attribute('mcp.protocol.version', 'recommended'),
    Attribute('network.protocol.name', 'recommended', note='`http`, unless the server is a process of its own.'),
    Attribute('network.protocol.version', 'recommended', UNSEEN),
    Attribute('network.transport', 'recommended', note='`tcp`, or `pipe` where the server is a process of its own.'),
    Attribute('server.address', 'recommended', NO_ADDRESS),
    Attribute('server.port', 'recommended', NO_ADDRESS),
)
MCP_URI = Attribute('mcp.resource.uri', 'opt-in', 'An agent calls tools, and reads no resources.')
MCP_ON_SPANS: Attributes = (
    *(each for each in _OF_MCP if each.name not in ('error.type', 'gen_ai.tool.name', 'gen_ai.operation.name')),
    Attribute('mcp.session.id', 'recommended', 'Who knows it can speak in the session.'),
    Attribute('mcp.resource.uri', 'conditional', MCP_URI.absent),
    Attribute('jsonrpc.request.id', 'conditional', UNSEEN),
)


NO_SERVER: tuple[LeftOut, ...] = tuple(
    LeftOut(name, 'It is for servers.')
    for name in (
        'gen_ai.server.request.duration',
        'gen_ai.server.time_per_output_token',
        'gen_ai.server.time_to_first_token',
        'mcp.server.operation.duration',
        'mcp.server.session.duration',
        'mcp.server',
    )
)
OTHER_SPANS: tuple[LeftOut, ...] = (
    LeftOut('gen_ai.create_agent.client', 'It is for agents that a service runs.'),
    LeftOut('gen_ai.invoke_agent.client', 'It is for agents that a service runs.'),
    LeftOut('gen_ai.embeddings.client', 'No run of an agent makes one.'),
    LeftOut('gen_ai.retrieval.client', 'No run of an agent makes one.'),
)


def on_requests(level: Level, *names: str) -> Attributes:
    """Attributes of a run's requests that its own span does not repeat."""
    return tuple(Attribute(name, level, ADDED_UP if name.startswith('gen_ai.usage.') else BY_REQUEST) for name in names)


def mcp_instruments(*, of_calls: Attributes = (), of_sessions: Attributes = ()) -> tuple[Instrument, ...]:
    """The metrics of an MCP client.

    Args:
        of_calls: What one version only asks for of a call.
        of_sessions: What one version only asks for of a session.
    """
    return (
        Instrument(
            'mcp.client.operation.duration',
            'histogram',
            's',
            'MCP call',
            (*_OF_MCP, MCP_URI, *of_calls),
            MCP_SECONDS,
            'duration',
            note='Calls of tools: their execution as the agent sees it, with your own `process_tool_call` and connecting.',
        ),
        Instrument(
            'mcp.client.session.duration',
            'histogram',
            's',
            'MCP call',
            (
                ERROR,
                Attribute('mcp.protocol.version', 'recommended'),
                Attribute('network.protocol.name', 'recommended'),
                Attribute('jsonrpc.protocol.version', 'recommended'),
                Attribute('server.address', 'recommended'),
                Attribute('server.port', 'recommended'),
                *of_sessions,
            ),
            MCP_SECONDS,
            absent='A session is of a toolset, and may outlive many runs: an event stream does not tell of it.',
        ),
    )
