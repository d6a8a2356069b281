"""An application behind the access rule, with the headers that every answer has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamtap._http.answer import SAFETY_HEADERS, said
from streamtap._web.access import Refusal
from streamtap._web.fetch_metadata import is_foreign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from streamtap._web.access import Access
    from streamtap._web.fetch_metadata import Resource

_FOREIGN = Refusal('403 Forbidden', 'Pages of another origin may not read this; open it by itself.')


class Guarded:
    """A WSGI application that answers those who may ask.

    Args:
        app: The application.
        access: Who may; `None` where the application that this is mounted in decides that.
        resource_of: What a path is.
    """

    def __init__(self, app: WSGIApplication, access: Access | None, resource_of: Callable[[str], Resource]) -> None:
        self._app = app
        self._access = access
        self._resource_of = resource_of

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""

        def start(
            status: str, headers: list[tuple[str, str]], error: OptExcInfo | None = None, /
        ) -> Callable[[bytes], object]:
            return start_response(status, [*headers, *SAFETY_HEADERS], error)

        resource = self._resource_of(environ.get('PATH_INFO', ''))
        if is_foreign(environ, resource):
            # Before any token is looked at: pages elsewhere cannot let a browser guess.
            refused = _FOREIGN
        else:
            refused = None if self._access is None else self._access.refusal(environ, resource)
        if refused is None:
            return self._app(environ, start)
        return said(start, refused.status, refused.why, *refused.headers)
