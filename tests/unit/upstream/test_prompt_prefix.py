"""Whether the beginning of a prompt changed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from pydantic_ai.messages import (
    ImageUrl,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.tools import ToolDefinition

from streamtap._upstream.prompt_prefix import PromptPrefix, prefix_of_messages, prefix_of_request

if TYPE_CHECKING:
    from collections.abc import Sequence


def asked(*, system: str = 'be kind', instructions: str | None = None, question: str = 'why?') -> ModelRequest:
    return ModelRequest(parts=[SystemPromptPart(system), UserPromptPart(question)], instructions=instructions)


def answered() -> ModelResponse:
    return ModelResponse(parts=[TextPart('because')])


def prefix(messages: Sequence[ModelMessage], tools: Sequence[str] = (), outputs: Sequence[str] = ()) -> PromptPrefix:
    """The prefix of a request with those tools."""
    parameters = ModelRequestParameters(
        function_tools=[ToolDefinition(name=name) for name in tools],
        output_tools=[ToolDefinition(name=name) for name in outputs],
    )
    context: Any = SimpleNamespace(messages=list(messages), model_request_parameters=parameters)
    found = prefix_of_request(context)
    assert found is not None
    return found


def test_a_conversation_that_goes_on_has_the_same_beginning():
    """Whatever is added at its end."""
    before = prefix([asked()], ('search',))
    assert not prefix([asked(), answered(), asked(question='and then?')], ('search',)).differs(before)


@pytest.mark.parametrize(
    ('messages', 'tools'),
    [
        ([asked(system='be short')], ('search',)),
        ([asked(question='how?')], ('search',)),
        ([asked(instructions='it is noon')], ('search',)),
        ([asked(), answered(), asked(instructions='it is noon')], ('search',)),
        ([asked()], ('search', 'fetch')),
        ([asked()], ()),
    ],
)
def test_what_stands_first_in_a_prompt_is_its_beginning(messages: list[ModelMessage], tools: tuple[str, ...]):
    """The first message, the instructions, which are those of the last one, and the tools."""
    assert prefix(messages, tools).differs(prefix([asked()], ('search',)))


def test_tools_stand_in_their_order():
    """Caches compare byte by byte; output tools are tools as well."""
    assert prefix([asked()], ('search', 'fetch')).differs(prefix([asked()], ('fetch', 'search')))
    assert prefix([asked()], outputs=('report',)).differs(prefix([asked()]))


def test_where_tools_are_not_seen_they_did_not_change():
    """Of what a door does not see it says nothing."""
    seen, unseen = prefix([asked()], ('search',)), prefix_of_messages([asked()])
    assert unseen is not None
    assert not unseen.differs(seen)
    assert not seen.differs(unseen)


def test_what_is_no_text_is_not_compared():
    """An image may be large; without messages there is nothing to compare."""
    image = ModelRequest(parts=[UserPromptPart([ImageUrl('https://example.com/a.png')])])
    other = ModelRequest(parts=[UserPromptPart([ImageUrl('https://example.com/b.png')])])
    assert prefix_of_messages([image]) == prefix_of_messages([other])
    assert prefix_of_messages([]) is None
