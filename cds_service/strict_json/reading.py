"""Bytes to a JSON value."""

from __future__ import annotations

from codecs import BOM_UTF8

from cds_service.strict_json.careful import read_carefully
from cds_service.strict_json.limits import JSON, JSONError
from cds_service.strict_json.quick import InDoubtError, read_quickly


def parse(body: bytes) -> JSON:
    """The value written in the bytes; lone surrogates in it are replaced.

    Raises:
        JSONError: when the bytes are not UTF-8, not JSON, nested deeper than ``MAX_DEPTH``, or
            hold a duplicate key, NaN, Infinity or a number beyond all measure.
    """
    body = body.removeprefix(BOM_UTF8)
    try:
        return read_quickly(body)
    except InDoubtError:
        return read_carefully(_text(body), body)


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JSONError(f"the body is not UTF-8 at byte {error.start}") from None
