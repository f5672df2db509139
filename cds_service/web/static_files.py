"""The style sheet and scripts of the pages, in gzip for browsers that read it.

Answers about a patient are never compressed: their length would tell what they have in common with
what somebody else put into the request.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from http import HTTPStatus

from flask import Flask, Response, request


def register_static_files(app: Flask) -> None:
    """Compress on the way out."""
    app.after_request(_compressed)


def _compressed(answer: Response) -> Response:
    if request.endpoint != "static":
        return answer
    answer.vary.add("Accept-Encoding")
    is_whole = answer.status_code == HTTPStatus.OK and request.method == "GET"
    if not is_whole or not request.accept_encodings["gzip"]:
        return answer
    answer.direct_passthrough = False
    answer.set_data(_gzip(answer.get_data()))
    answer.headers["Content-Encoding"] = "gzip"
    tag, _ = answer.get_etag()
    if tag:
        answer.set_etag(tag, weak=True)  # the same file, in other bytes
    return answer


@lru_cache(maxsize=64)
def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)
