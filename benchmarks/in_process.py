"""One call after another within this process, without server, socket or client."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO

from werkzeug.test import EnvironBuilder

from benchmarks.client import PATH


def caller(app: Callable[..., Iterable[bytes]], body: bytes) -> Callable[[], bytes]:
    """Calls the app as the server would; each call gives the body of the answer.

    Raises:
        RuntimeError: when the answer is not 200, because then there is nothing to measure.
    """
    ready_made = EnvironBuilder(
        PATH, method="POST", data=body, content_type="application/json"
    ).get_environ()

    def call() -> bytes:
        told: list[str] = []

        def start_response(status: str, *_: object) -> None:
            told.append(status)

        chunks = app(ready_made | {"wsgi.input": BytesIO(body)}, start_response)
        answer = b"".join(chunks)
        getattr(chunks, "close", _nothing)()
        if not told[0].startswith("200"):
            raise RuntimeError(f"the call was answered with {told[0]}: {answer[:400]!r}")
        return answer

    return call


def _nothing() -> None:
    """There is nothing to close."""
