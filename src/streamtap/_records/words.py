"""The words that records use: outcomes, kinds and reasons."""

from typing import Literal, get_args

Door = Literal['handler', 'capability', 'watch']
"""How the tap was attached to the run."""

RunOutcome = Literal['success', 'error', 'cancelled', 'timeout', 'limit', 'deferred', 'incomplete']
"""How a run ended; what the words mean is in docs/metrics.md."""

RequestOutcome = Literal['success', 'error', 'cancelled', 'timeout', 'incomplete']
"""How a request ended, in the same words."""

UnmeasuredReason = Literal['interrupted', 'not_reported', 'repeated']
"""Why the tokens of a response are absent or too few.

`interrupted`: it did not end, and counts as far as its provider had reported. `not_reported`: its provider reported none.
`repeated`: its server repeats its usage in each chunk, and what pydantic-ai makes of that is wrong.
"""

CostSource = Literal['price', 'provider', 'list']
"""Who says what a response cost: your own `price`, the provider that charged it, or pydantic-ai's list of prices."""

ToolOutcome = Literal['success', 'retried', 'failed', 'denied', 'deferred', 'interrupted', 'error']
"""How a tool call ended, in the same words."""

Phase = Literal['queue', 'wait', 'stream', 'model', 'native_tools', 'tools', 'consumer', 'other']
"""What a run's time was spent on."""

PHASES = get_args(Phase)

ToolKind = Literal['function', 'mcp', 'output', 'native']
"""Who runs a tool, and what for: a function of yours, an MCP server, the run's final output, or the provider."""

Transport = Literal['http', 'stdio']
"""How an MCP server is reached."""

CacheMissReason = Literal['prefix_changed', 'expired', 'below_minimum', 'unknown']
"""Why tokens that were in a provider's cache were bought again.

`prefix_changed`: the instructions changed, or only the beginning was read from the cache. `expired`: five minutes or more
had passed, for which providers keep a prompt at least. `below_minimum`: the prompt is shorter than 1,024 tokens, which
none caches. `unknown`: none of that was seen; the provider dropped it, another of its machines answered, or the messages
changed from the first on.
"""

ObjectivePart = Literal['failed', 'first_output', 'stall', 'duration', 'cost']
"""What of an objective a run missed, or that it `failed`."""

FailurePlace = Literal['model', 'tool', '']
"""Where a run failed; empty where nothing that was seen explains it."""
