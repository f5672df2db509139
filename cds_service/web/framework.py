"""Flask without what no request of ours needs, and its names looked up once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Flask, Request
from werkzeug.local import LocalProxy
from werkzeug.routing import MapAdapter

T = TypeVar("T")


class App(Flask):
    """The framework for one host name and functions that are no coroutines."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself: none of ours is a coroutine."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """The map of our addresses for a request.

        The framework would read host and address from the environment again, for services that
        tell their hosts apart.

        Raises:
            SecurityError: when the host is none.
        """
        if request is None or "HTTP_UPGRADE" in request.environ:
            return super().create_url_adapter(request)
        return self.url_map.bind(
            request.host,
            script_name=request.root_path,
            url_scheme=request.scheme,
            default_method=request.method,
            path_info=request.path,
            query_args=request.query_string.decode("utf-8", "replace"),
        )


def behind(name: T) -> T:
    """What one of the framework's names (``request``, ``g``) stands for now.

    Whoever uses it more than once looks it up once: each use of the name is a search.
    """
    return cast("LocalProxy[T]", name)._get_current_object()
