"""The names of all spans, attributes and events, in one place.

Which of the conventions' own a profile has is in `conventions/`.
"""

from __future__ import annotations

AGENT_NAME = 'gen_ai.agent.name'
CONVERSATION_ID = 'gen_ai.conversation.id'
ERROR_TYPE = 'error.type'
FINISH_REASONS = 'gen_ai.response.finish_reasons'
MCP_METHOD = 'mcp.method.name'
MCP_PROTOCOL_VERSION = 'mcp.protocol.version'
NETWORK_PROTOCOL = 'network.protocol.name'
NETWORK_TRANSPORT = 'network.transport'
OPERATION = 'gen_ai.operation.name'
PROVIDER = 'gen_ai.provider.name'
REQUEST = 'gen_ai.request.'
"""What precedes the name of a setting of a request."""
REQUEST_MODEL = 'gen_ai.request.model'
REQUEST_STREAM = 'gen_ai.request.stream'
RESPONSE_ID = 'gen_ai.response.id'
RESPONSE_MODEL = 'gen_ai.response.model'
SERVER_ADDRESS = 'server.address'
SERVER_PORT = 'server.port'
TIME_TO_FIRST_CHUNK = 'gen_ai.response.time_to_first_chunk'
TIME_TO_FIRST_CHUNK_OF_LOGFIRE = 'gen_ai.client.operation.time_to_first_chunk'
"""A metric's name, which Pydantic AI also uses for a span attribute, and which Logfire's panels read there."""
TOKEN_MODALITY = 'gen_ai.token.modality'
TOKEN_TYPE = 'gen_ai.token.type'
TOOL_CALL_ID = 'gen_ai.tool.call.id'
TOOL_NAME = 'gen_ai.tool.name'
TOOL_TYPE = 'gen_ai.tool.type'
USAGE_CACHE_READ = 'gen_ai.usage.cache_read.input_tokens'
USAGE_INPUT = 'gen_ai.usage.input_tokens'
USAGE_OUTPUT = 'gen_ai.usage.output_tokens'
USAGE_REASONING = 'gen_ai.usage.reasoning.output_tokens'

MESSAGE = 'logfire.msg'
"""How Logfire titles a span."""

ATTEMPT = 'streamtap.attempt'
CACHE_MISSED_TOKENS = 'streamtap.cache_missed_tokens'
CACHE_MISS_REASON = 'streamtap.cache_miss_reason'
CHUNKS = 'streamtap.chunks'
CHUNKS_AFTER_STOP = 'streamtap.chunks_after_stop'
CONTEXT_USED = 'streamtap.context_used'
COST = 'operation.cost'
COST_SOURCE = 'streamtap.cost_source'
LABEL = 'streamtap.label.'
MAX_INTER_CHUNK_LATENCY = 'streamtap.max_inter_chunk_latency'
LOOP_CALLS = 'streamtap.loop.calls'
MCP_SERVER = 'streamtap.mcp.server'
OBJECTIVE_MET = 'streamtap.objective.met'
OBJECTIVE_MISSED = 'streamtap.objective.missed'
OUTCOME = 'streamtap.outcome'
PART_KIND = 'streamtap.part.kind'
PART_TOOL = 'streamtap.part.tool'
PART_TOOL_CALL_ID = 'streamtap.part.tool_call_id'
PROVIDER_TIMING = {
    'queue': 'streamtap.provider.queue_time',
    'prompt': 'streamtap.provider.prompt_time',
    'completion': 'streamtap.provider.completion_time',
    'retry_after': 'streamtap.provider.retry_after',
}
"""What the provider says about its own time."""
QUESTION_ID = 'streamtap.question_id'
READER_FAILED_PARTIALS = 'streamtap.reader.failed_partials'
READER_FIRST_ITEM_DELAY = 'streamtap.reader.first_item_delay'
READER_ITEMS = 'streamtap.reader.items'
READER_TIME_TO_FIRST_ITEM = 'streamtap.reader.time_to_first_item'
REPEATED = 'streamtap.repeated'
RETRY_CAUSE = 'streamtap.retry_cause'
RUN_ID = 'streamtap.run_id'
STALLS = 'streamtap.stalls'
STALL_TIME = 'streamtap.stall_time'
STOP_TIME = 'streamtap.stop_time'
TIME_TO_FIRST_OUTPUT = 'streamtap.time_to_first_output'
TOKENS_PER_SECOND = 'streamtap.output_tokens_per_second'
UNMEASURED = 'streamtap.unmeasured'
UNMEASURED_RESPONSES = 'streamtap.unmeasured_responses'
USAGE_COMPLETE = 'streamtap.usage_complete'

EVENT_FIRST_TOKEN = 'streamtap.first_token'
EVENT_STALL = 'streamtap.stall'

INVOKE_AGENT = 'invoke_agent'
CHAT = 'chat'
EXECUTE_TOOL = 'execute_tool'

TOOL_TYPES = {'function': 'function', 'mcp': 'function', 'output': 'function', 'native': 'extension'}
"""What the conventions call the kinds of tools."""

PART_NAMES = {'thinking': 'thinking', 'text': 'text', 'tool-call': 'tool_call'}
"""The kinds of parts that get a span, with the span's name."""

TOOLS_CALL = 'tools/call'
"""The method of MCP that runs a tool."""
