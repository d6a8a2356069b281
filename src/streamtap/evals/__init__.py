"""For evaluations with pydantic-evals: what each case took among its metrics, and evaluators that limit it.

It needs the extra `streamtap[evals]`.
"""

from importlib.util import find_spec as _find_spec

if _find_spec('pydantic_evals') is None:
    raise ImportError('streamtap.evals needs pydantic-evals: install the extra, streamtap[evals]')

from streamtap._base.public import claim as _claim
from streamtap.evals._evaluators import (
    EVALUATORS,
    FirstOutputWithin,
    MaxCacheMissedTokens,
    MaxContextUsed,
    MaxCost,
    MaxRepeatedToolCalls,
    MaxStallSeconds,
    MinTokensPerSecond,
    ObjectiveMet,
    RunWithin,
)
from streamtap.evals._sink import EvalSink

__all__ = [
    'EVALUATORS',
    'EvalSink',
    'FirstOutputWithin',
    'MaxCacheMissedTokens',
    'MaxContextUsed',
    'MaxCost',
    'MaxRepeatedToolCalls',
    'MaxStallSeconds',
    'MinTokensPerSecond',
    'ObjectiveMet',
    'RunWithin',
]

_claim(__name__, __all__, globals())
