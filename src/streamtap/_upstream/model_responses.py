"""Reads what a response says about itself: its usage, its price, who answered and who failed before."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, cast

from pydantic_ai.messages import ModelResponse as ModelResponse
from pydantic_ai.usage import RequestUsage

from streamtap._base.names import clean
from streamtap._upstream.context_windows import own_window, prompt_tokens
from streamtap._upstream.provider_timing import timing_of
from streamtap._upstream.reading import read
from streamtap._upstream.request_settings import own_settings
from streamtap._upstream.response_costs import cost_of, dollars
from streamtap._upstream.servers import Server, server_at

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic_ai.messages import ModelMessage

    from streamtap._upstream.response_costs import Cost

MAX_TOKENS = 10**12
"""A token count of one response above this is invalid, as is one below 0."""

COUNTS_AT_THE_END = frozenset({'anthropic', 'google', 'google-gla', 'google-vertex', 'google-cloud'})
"""Providers whose streams say some usage at once, and the whole along with why they end.

Where that is missing the connection was closed in between, which pydantic-ai takes for the end.
"""

_STATUS = re.compile(r'status_code: (\d{3})\b')


class Usage(NamedTuple):
    """Token counts as the provider reported them; cached tokens are inside input, reasoning tokens inside output."""

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int


class Attempt(NamedTuple):
    """A failed attempt, which did not produce the response."""

    provider: str
    model: str
    started_unix: float
    duration: float
    error_type: str | None
    usage: Usage | None
    cost_usd: float | None
    kept: ModelResponse | None = None
    """What pydantic-ai keeps of the response that was rejected, which are its names and its usage; `None` if none came."""


class Response(NamedTuple):
    """The facts about a response, without its content."""

    provider: str | None
    model: str | None
    model_id: str | None
    finish_reason: str | None
    usage: Usage | None
    cost: Cost | None
    attempts: tuple[Attempt, ...]
    is_complete: bool
    response_id: str | None = None
    server: Server | None = None
    """The server that answered."""
    timing: Mapping[str, float] = MappingProxyType({})
    """What it says about its own time."""
    is_empty: bool = False
    """Whether it has no parts, so that no event told of it."""
    answer_size: int = 0
    """How many bytes of text and tool arguments it has."""
    thinking_size: int = 0
    """How many bytes of thinking it has."""
    tool_calls: int = 0
    """How many calls of function and output tools it has."""
    prompt_tokens: int | None = None
    """The tokens of its prompt, where its usage is the sum of several requests to the model."""
    is_usage_final: bool = True
    """Whether its usage is the provider's last word, as far as that can be known before its end."""


def read_response(response: ModelResponse, *, priced: bool = True) -> Response:
    """Read a response.

    Args:
        response: The response, complete or as far as it came.
        priced: Whether to look up its price, which takes a millisecond where pydantic-ai has not done so already.
    """
    usage = _usage(response.usage)
    cost = cost_of(response) if priced else None
    if usage is None and cost is not None and cost.source == 'list' and not cost.usd:
        # The price of no tokens, where nobody said how many there were.
        cost = None
    return Response(
        provider=_name(response.provider_name),
        model=_name(response.model_name),
        model_id=getattr(response, 'model_id', None),
        finish_reason=_name(response.finish_reason),
        usage=usage,
        cost=cost,
        attempts=attempts_of(response),
        is_complete=is_complete(response),
        response_id=_name(read(response, 'provider_response_id')),
        server=server_at(read(response, 'provider_url')),
        timing=timing_of(response.provider_details),
        is_empty=not response.parts,
        answer_size=_size(response, ('text', 'tool-call')),
        thinking_size=_size(response, ('thinking',)),
        tool_calls=sum(part.part_kind == 'tool-call' for part in response.parts),
        prompt_tokens=prompt_tokens(response),
        is_usage_final=response.provider_name not in COUNTS_AT_THE_END or _says_why_it_ended(response),
    )


def _says_why_it_ended(response: ModelResponse) -> bool:
    return response.finish_reason is not None or 'finish_reason' in (response.provider_details or {})


def is_complete(response: ModelResponse) -> bool:
    """Whether a response came to its end."""
    return getattr(response, 'state', 'complete') not in ('incomplete', 'interrupted')


def _size(response: ModelResponse, kinds: tuple[str, ...]) -> int:
    """How many bytes the parts of some kinds have together; the bytes themselves go no further."""
    found = 0
    for part in response.parts:
        if part.part_kind in kinds:
            content = getattr(part, 'content', None) or getattr(part, 'args', None)
            found += size_of(content)
    return found


def size_of(content: object) -> int:
    """How many bytes a text has in UTF-8, and anything else none."""
    return len(content.encode('utf-8', 'replace')) if isinstance(content, str) else 0


def _usage(usage: object) -> Usage | None:
    """The usage, or `None` if the provider reported none."""
    if usage is None or getattr(usage, 'unmeasured_requests', 0):
        return None
    details: dict[str, int] = getattr(usage, 'details', None) or {}
    reasoning: int = getattr(usage, 'output_reasoning_tokens', 0) or details.get('reasoning_tokens', 0)
    found = Usage(
        input_tokens=getattr(usage, 'input_tokens', 0) or 0,
        output_tokens=getattr(usage, 'output_tokens', 0) or 0,
        cache_read_tokens=getattr(usage, 'cache_read_tokens', 0) or 0,
        cache_write_tokens=getattr(usage, 'cache_write_tokens', 0) or 0,
        reasoning_tokens=reasoning or 0,
    )
    counts = (
        found.input_tokens,
        found.output_tokens,
        found.cache_read_tokens,
        found.cache_write_tokens,
        found.reasoning_tokens,
    )
    if not all(map(_is_count, counts)):
        return None
    # Releases before `unmeasured_requests`, and streams that broke, have zeros where nothing was reported.
    return found if found.input_tokens or found.output_tokens else None


def _is_count(count: object) -> bool:
    return isinstance(count, int) and 0 <= count <= MAX_TOKENS


def _name(said: object) -> str | None:
    return clean(said) if isinstance(said, str) and said else None


def attempts_of(holder: object) -> tuple[Attempt, ...]:
    """The failed attempts that a response lists, or the exception group that is raised when all have failed."""
    listed: Sequence[object] = getattr(holder, 'failed_attempts', None) or getattr(holder, 'attempts', None) or ()
    return tuple(_attempt(attempt) for attempt in listed)


def _attempt(attempt: object) -> Attempt:
    error = getattr(attempt, 'error', None)
    kind: str | None = None
    if isinstance(error, str):
        # Only the class and the status: what follows is the provider's text.
        kind = clean(error.partition(':')[0].strip())
        if status := _STATUS.search(error):
            kind = f'ModelHTTPError_{status[1]}'
    usage = getattr(attempt, 'usage', None)
    provider, model = getattr(attempt, 'provider_name', None), getattr(attempt, 'model_name', '')
    was_rejected = getattr(attempt, 'outcome', 'error') != 'error'
    return Attempt(
        provider=_name(provider) or '',
        model=_name(model) or '',
        started_unix=attempt.timestamp.timestamp(),  # type: ignore[attr-defined]
        duration=max(0.0, attempt.duration.total_seconds()),  # type: ignore[attr-defined]
        error_type='ResponseRejected' if was_rejected else kind,
        usage=_usage(usage),
        cost_usd=dollars(getattr(usage, 'cost', None)),
        kept=_kept(attempt, usage, provider, model) if was_rejected else None,
    )


def _kept(attempt: object, usage: object, provider: str | None, model: str) -> ModelResponse:
    return ModelResponse(
        parts=[],
        usage=cast('RequestUsage', usage or RequestUsage()),
        provider_name=provider,
        model_name=model,
        timestamp=attempt.timestamp,  # type: ignore[attr-defined]
    )


def spoken_responses(ctx: object, result: object) -> tuple[ModelResponse, ...]:
    """The responses of a realtime session; empty for any other run."""
    if not getattr(ctx, 'realtime', False):
        return ()
    new_messages = getattr(result, 'new_messages', None)
    messages = cast('Sequence[ModelMessage]', new_messages()) if callable(new_messages) else ()
    return tuple(message for message in messages if message.kind == 'response')


def streamed_response(events: object) -> ModelResponse | None:
    """The response that a stream has put together so far; `None` where the stream does not show it."""
    response = read(events, 'response')
    return cast('ModelResponse', response) if hasattr(response, 'usage') else None


def input_tokens_so_far(stream: object) -> int | None:
    """The tokens of the prompt as an unfinished stream reports them now; `None` where it does not show that."""
    # The part of the stream that is read now counts them; to ask for its response would put all of that together.
    said = read(read(read(stream, '_raw_stream_response'), '_current_sub'), 'usage')
    if said is None:
        response = streamed_response(stream)
        said = None if response is None else response.usage
    usage = _usage(said)
    return None if usage is None else usage.input_tokens


def response_at(messages: Sequence[ModelMessage], index: int) -> ModelResponse | None:
    """The response that answered the request which made the history `index` messages long."""
    if len(messages) > index and messages[index].kind == 'response':
        return messages[index]  # type: ignore[return-value]
    return None


class AskedModel(NamedTuple):
    """The model that a request asks: what is configured, not how the server spells it.

    Args:
        provider: The provider's name; '' if it is unknown.
        name: The model's name, likewise.
        ids: The ids of the model, where a capability may send the request to another one all the same.
        candidates: The candidates of a fallback model, in order.
        server: Where the model is.
        settings: The numbers that the model itself adds to a request.
        window: How many tokens it can hold, if pydantic-ai knows that of the model.
    """

    provider: str
    name: str
    ids: tuple[str, ...] = ()
    candidates: tuple[AskedModel, ...] = ()
    server: Server | None = None
    settings: Mapping[str, int | float] = MappingProxyType({})
    window: int | None = None

    def candidate(self, failures: int, model_id: str | None = None) -> AskedModel:
        """The model that was asked, among several candidates the one that answered.

        Args:
            failures: How many candidates failed before this one.
            model_id: The `provider:model` that was asked, as the response says; it identifies the candidate where the
                fallback is a capability, and the context of the run still has the first one.
        """
        is_another = bool(self.ids) and model_id is not None and model_id not in self.ids
        if self.candidates and not is_another:
            return self.candidates[min(failures, len(self.candidates) - 1)].candidate(0)
        if (failures or is_another) and model_id and ':' in model_id:
            answered_by, _, name = model_id.partition(':')
            return AskedModel(clean(answered_by), clean(name))
        return self

    def named(self, provider: str, name: str) -> AskedModel:
        """The model of that name, itself or among its candidates; a model of which only the names are known otherwise."""
        for each in self.candidates:
            found = each.named(provider, name)
            if found.server is not None or found.settings:
                return found
        return self if (self.provider, self.name) == (provider, name) else AskedModel(provider, name)


UNKNOWN_MODEL = AskedModel('', '')
"""A model of which nothing is known."""


def named_model(provider: object, name: object) -> AskedModel:
    """A model of which only the names are known, if that."""
    return AskedModel(_name(provider) or '', _name(name) or '')


def model_of_response(response: ModelResponse) -> AskedModel:
    """The model that a response says was asked."""
    provider, _, name = (getattr(response, 'model_id', None) or '').partition(':')
    return named_model(provider, name)


def asked_model(model: object, ids: tuple[str, ...] = ()) -> AskedModel:
    """Read a model, with any wrappers; its properties are read once, and what they raise leaves a name empty.

    Args:
        model: The model of the request.
        ids: The ids of `model`, if a capability may have sent the request to another model all the same.
    """
    for _ in range(16):
        wrapped = read(model, 'wrapped')
        if wrapped is None:
            break
        model = wrapped
    listed = read(model, 'models')
    candidates = tuple(cast('Sequence[object]', listed)) if isinstance(listed, (list, tuple)) else ()
    return AskedModel(
        provider=_name(read(model, 'system')) or '',
        name=_name(read(model, 'model_name')) or '',
        ids=ids,
        candidates=tuple(asked_model(candidate) for candidate in candidates),
        server=server_at(read(model, 'base_url')),
        settings=own_settings(model),
        window=own_window(model),
    )
