"""What the wire forms of requests share: fields that convert nothing, and complaints with a path.

Unknown fields are ignored at every level, ``extension`` of any kind included.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields
from marshmallow.types import ErrorMessages

from cds_service.strict_json import under
from cds_service.web.errors import Issue

MISSING = "is missing"
MOST_ITEMS = 1000
ARRAY_PROBLEMS: ErrorMessages = {
    "required": MISSING,
    "null": "must be an array, not null",
    "invalid": "must be an array",
}
OBJECT_PROBLEMS: ErrorMessages = {
    "required": MISSING,
    "null": "must be an object, not null",
    "invalid": "must be an object",
}
_TEXT_PROBLEMS: ErrorMessages = {
    "required": MISSING,
    "null": "must be a string, not null",
    "invalid": "must be a string",
    "invalid_utf8": "must be a string",
}


class Text(fields.String):
    """A string, and nothing that could be turned into one."""

    default_error_messages = _TEXT_PROBLEMS


class Object(fields.Dict):
    """A JSON object, left as it is."""

    default_error_messages = OBJECT_PROBLEMS


class ListOf(fields.List[Any]):
    """A JSON array. One of very many items is refused unread, because every wrong item is told."""

    default_error_messages = ARRAY_PROBLEMS

    def _deserialize(self, value: object, *args: Any, **options: Any) -> list[Any]:
        if isinstance(value, list) and len(value) > MOST_ITEMS:
            raise ValidationError(f"has more than {MOST_ITEMS} items")
        found: list[Any] = super()._deserialize(value, *args, **options)
        return found


class Tolerant(Schema):
    """A JSON object of which only the fields named are read."""

    class Meta:
        """Whatever else is sent is passed over."""

        unknown = EXCLUDE

    def __init__(self) -> None:
        super().__init__()
        self.error_messages["type"] = "must be an object"


def issues(messages: Any, path: str = "") -> Iterator[Issue]:
    """Marshmallow's nested messages, one issue per place."""
    if isinstance(messages, dict):
        for name, inner in messages.items():
            yield from issues(inner, _deeper(path, name))
    elif isinstance(messages, list):
        for inner in messages:
            yield from issues(inner, path)
    else:
        code = "required" if messages.startswith(MISSING) else "structure"
        yield Issue(code, f"{path} {messages}".strip(), path)


def _deeper(path: str, name: str | int) -> str:
    if name == "_schema":
        return path
    return f"{path}[{name}]" if isinstance(name, int) else under(path, name)
