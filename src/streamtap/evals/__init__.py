"""For evaluations with pydantic-evals: what each case took among its metrics, and evaluators that limit it.

It needs the extra `streamtap[evals]`.
"""

try:
    import pydantic_evals as _pydantic_evals  # noqa: F401 - the first of all imports that need it
except ImportError as error:
    raise ImportError('streamtap.evals needs pydantic-evals: install the extra, streamtap[evals]') from error

from streamtap._base.public import claim as _claim
from streamtap.evals._evaluators import (
    EVALUATORS,
    FirstOutputWithin,
    MaxCost,
    MaxRepeatedToolCalls,
    MaxStallSeconds,
    MinTokensPerSecond,
    RunWithin,
)
from streamtap.evals._sink import EvalSink

__all__ = [
    'EVALUATORS',
    'EvalSink',
    'FirstOutputWithin',
    'MaxCost',
    'MaxRepeatedToolCalls',
    'MaxStallSeconds',
    'MinTokensPerSecond',
    'RunWithin',
]

_claim(__name__, __all__, globals())
