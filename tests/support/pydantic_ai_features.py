"""What a release of pydantic-ai must have for a test to make sense on it, and which is the first that has it."""

from __future__ import annotations

import pytest

from streamtap._upstream.versions import VERSION, release_of

RELEASE = release_of(VERSION)
"""The release line of pydantic-ai that is installed."""

FIRST = {
    'response_model_ids': ((2, 64), 'a response does not say which model was asked'),
    # Not yet in 2.26; which release before 2.68 was the first is not known.
    'ordered_results': ((2, 68), 'results of tools that end together are told in any order'),
    # Not yet in 2.26 either.
    'sent_requests': ((2, 68), 'nothing says whether a request was sent that another capability or a limit forbids'),
    'usage_costs': ((2, 68), 'the usage of a response does not say what it cost'),
    'request_timeouts': ((2, 68), 'the time limits of requests have no exceptions of their own'),
    # Not yet in 2.26; 2.30 has them.
    'realtime_sessions': ((2, 30), 'there are no realtime sessions'),
    'run_timeouts': ((2, 58), 'a run cannot be given a timeout'),
}
"""Features, each with the first release that has it and what is so before."""


def has(feature: str) -> bool:
    """Whether the installed pydantic-ai has a feature.

    Args:
        feature: A name in `FIRST`.
    """
    return FIRST[feature][0] <= RELEASE


def needs(*features: str) -> pytest.MarkDecorator:
    """Skip a test where pydantic-ai lacks one of the features, saying so.

    Args:
        features: Names in `FIRST`.
    """
    lacking = [FIRST[feature][1] for feature in features if not has(feature)]
    return pytest.mark.skipif(bool(lacking), reason=f'pydantic-ai {VERSION}: {", ".join(lacking)}')
