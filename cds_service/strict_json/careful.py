"""JSON read with the standard library, every member and number looked at: what refuses, and why."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal

from cds_service.strict_json.limits import (
    JSON,
    MAX_DEPTH,
    MAX_NUMBER_LENGTH,
    JSONError,
    exact,
    is_too_deep,
    under,
)

_LONE_SURROGATES = re.compile("[\ud800-\udfff]")
_TOO_DEEP = f"the body is nested deeper than {MAX_DEPTH} levels"
_TOO_LONG = "the number is too long, too large or too close to zero"


class _Refused:
    """Stands in the tree for a value that may not be there, until its path is known."""

    def __init__(self, problem: str) -> None:
        self.problem = problem


def read_carefully(text: str, body: bytes) -> JSON:
    """The value that the text says, which ``body`` holds in UTF-8; lone surrogates are replaced.

    Raises:
        JSONError: when it is not JSON, nested deeper than ``MAX_DEPTH``, or holds a duplicate
            key, NaN, Infinity or a number beyond all measure.
    """
    refused: list[_Refused] = []
    try:
        tree = _loads(text, refused)
    except json.JSONDecodeError as error:
        raise JSONError(
            f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise JSONError(_TOO_DEEP) from None
    if is_too_deep(body):
        raise JSONError(_TOO_DEEP)
    if refused:
        raise next(_refusals(tree, ""))
    return _without_lone_surrogates(tree) if "\\ud" in text or "\\uD" in text else tree


def _loads(text: str, refused: list[_Refused]) -> JSON:
    def instead(problem: str) -> _Refused:
        refused.append(_Refused(problem))
        return refused[-1]

    def members(pairs: list[tuple[str, JSON]]) -> JSON:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        names = [name for name, _ in pairs]
        twice = next(name for index, name in enumerate(names) if name in names[:index])
        return {**found, twice: instead("the key is given more than once")}

    def whole(digits: str) -> int | _Refused:
        return int(digits) if len(digits) <= MAX_NUMBER_LENGTH else instead(_TOO_LONG)

    def fraction(digits: str) -> Decimal | _Refused:
        value = exact(digits)
        return instead(_TOO_LONG) if value is None else value

    return json.loads(
        text,
        object_pairs_hook=members,
        parse_int=whole,
        parse_float=fraction,
        parse_constant=lambda name: instead(f"{name} is not a JSON number"),
    )


def _refusals(node: JSON, path: str) -> Iterator[JSONError]:
    if isinstance(node, _Refused):
        yield JSONError(node.problem, path)
    elif isinstance(node, dict):
        for name, child in node.items():
            yield from _refusals(child, under(path, name))
    elif isinstance(node, list):
        for index, child in enumerate(node):
            yield from _refusals(child, f"{path}[{index}]")


def _without_lone_surrogates(node: JSON) -> JSON:
    if isinstance(node, str):
        return _LONE_SURROGATES.sub("\ufffd", node)
    if isinstance(node, dict):
        return {_without_lone_surrogates(k): _without_lone_surrogates(v) for k, v in node.items()}
    if isinstance(node, list):
        return [_without_lone_surrogates(child) for child in node]
    return node
