"""Tells whether the beginning of a prompt changed, which providers' caches ask for first, and keeps nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from streamtap._upstream.reading import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_ai.messages import ModelMessage
    from pydantic_ai.models import ModelRequestContext


class PromptPrefix(NamedTuple):
    """What stands at the beginning of a prompt, as numbers.

    Python salts the hashes of texts anew in each process, and they are never put out: they say nothing outside of this one.

    Args:
        texts: Of the instructions and the texts of the first message.
        tools: Of the names of the tools; `None` where they cannot be seen.
    """

    texts: int
    tools: int | None

    def differs(self, before: PromptPrefix) -> bool:
        """Whether it certainly is another one."""
        has_other_tools = None not in (self.tools, before.tools) and self.tools != before.tools
        return has_other_tools or self.texts != before.texts


def prefix_of_messages(messages: Sequence[ModelMessage]) -> PromptPrefix | None:
    """The prefix of a prompt of which only the messages are seen; `None` where there are none."""
    if not messages:
        return None
    first, last = messages[0], messages[-1]
    texts = [read(part, 'content') for part in first.parts]
    said = (read(last, 'instructions'), *(text if isinstance(text, str) else '' for text in texts))
    return PromptPrefix(hash(said), None)


def prefix_of_request(request_context: ModelRequestContext) -> PromptPrefix | None:
    """The prefix of the prompt that a request sends."""
    found = prefix_of_messages(request_context.messages)
    parameters = read(request_context, 'model_request_parameters')
    tools = [*_listed(parameters, 'function_tools'), *_listed(parameters, 'output_tools')]
    return None if found is None else PromptPrefix(found.texts, hash(tuple(read(tool, 'name') for tool in tools)))


def _listed(holder: object, name: str) -> Sequence[object]:
    listed = read(holder, name)
    return cast('Sequence[object]', listed) if isinstance(listed, (list, tuple)) else ()
