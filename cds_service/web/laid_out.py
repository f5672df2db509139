"""Compact JSON text as a person edits it: two spaces per level, every digit as it was."""

from __future__ import annotations

import re

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\{\}|\[\]|[{}\[\],:]|[^"{}\[\],:]+')


def laid_out(text: str) -> str:
    """The text that ``strict_json.dumps`` made, in lines."""
    depth, written = 0, []
    for sign in _TOKEN.findall(text):
        if sign in ("}", "]"):
            depth -= 1
            written.append(_line(depth))
        written.append(sign)
        if sign in ("{", "["):
            depth += 1
        if sign in ("{", "[", ","):
            written.append(_line(depth))
        elif sign == ":":
            written.append(" ")
    return "".join(written)


def _line(depth: int) -> str:
    return "\n" + "  " * depth
