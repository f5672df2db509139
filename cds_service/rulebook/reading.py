"""YAML with line numbers, exact numbers and no surprises.

Differs from YAML 1.1 as PyYAML reads it: ``on``, ``yes`` and ``no`` are words, a number with a
decimal point is a Decimal, anything odd (octal, sexagesimal, instants) is text, and a key stands
only once. Anchors and ``<<`` work as usual.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer

from cds_service.rulebook.complaints import Complaints


class Fields(dict[str, object]):
    """A YAML mapping that knows on which line it and each of its keys stand."""

    def __init__(self, line: int = 1) -> None:
        """Start empty, at a line."""
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}

    def put(self, key: str, value: object, line: int) -> None:
        """Set a key that stands on a line."""
        self[key] = value
        self.lines[key] = line


class Items(list[object]):
    """A YAML list that knows on which line it and each of its items stand."""

    def __init__(self, line: int = 1) -> None:
        """Start empty, at a line."""
        super().__init__()
        self.line = line
        self.lines: list[int] = []


def without_lines(value: Any) -> Any:
    """A value of a file as plain dictionaries and lists."""
    if isinstance(value, dict):
        return {name: without_lines(member) for name, member in value.items()}
    if isinstance(value, list):
        return [without_lines(item) for item in value]
    return value


class _Loader(yaml.SafeLoader):
    """PyYAML up to the graph of nodes; which plain words are more than text is decided here."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  PyYAML owns this attribute; we empty it of YAML 1.1.


_TAG = "tag:yaml.org,2002:"
_DIGITS = list("-0123456789")
for _name, _pattern, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"-?(0|[1-9][0-9]*)", _DIGITS),
    ("float", r"-?(0|[1-9][0-9]*)\.[0-9]+", _DIGITS),
    ("timestamp", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", _DIGITS),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(f"^(?:{_pattern})$"), _first)


try:
    from yaml import CSafeLoader
except ImportError:
    _QUICK_LOADER: type[_Loader | _QuickLoader] = _Loader
else:

    class _QuickLoader(Composer, CSafeLoader):
        """The parser in C, and the nodes put together in Python.

        Its own way of putting them together ends the process on a file nested very deeply.
        """

        yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers

        def __init__(self, text: str) -> None:
            CSafeLoader.__init__(self, text)
            Composer.__init__(self)

    _QUICK_LOADER = _QuickLoader


def read(path: Path, complaints: Complaints, *, quickly: bool = False) -> Fields | None:
    """The mapping a file holds; None after a complaint when there is none to be had.

    ``quickly`` takes a tenth of the time. What it reads is the same, but its complaints are worse:
    other words, and another line where a value is empty.
    """
    try:
        return parse(path.read_text(encoding="utf-8"), complaints, quickly=quickly)
    except UnicodeDecodeError:
        complaints.at(1, "the file is not UTF-8 text")
    except OSError as error:
        complaints.at(1, f"the file cannot be read: {error.strerror}")
    return None


def parse(text: str, complaints: Complaints, *, quickly: bool = False) -> Fields | None:
    """The mapping a text holds; None after a complaint when there is none to be had."""
    # The two understand a lone "!" differently.
    loader = _QUICK_LOADER if quickly and "!" not in text else _Loader
    try:
        node = loader(text).get_single_node()
        value = _Reader(complaints).value(node) if node else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = ", ".join(part for part in (error.context, error.problem) if part)
        complaints.at(mark.line + 1 if mark else 1, f"not YAML: {said}")
        return None
    except yaml.YAMLError:
        complaints.at(1, "not YAML: it holds a character that text may not hold")
        return None
    except RecursionError:
        complaints.at(1, "lists and mappings are nested too deeply to be read")
        return None
    if isinstance(value, Fields):
        return value
    complaints.at(1, 'the file must be a mapping of "key: value" lines')
    return None


class _Reader:
    """Turns nodes into values, each node once; an alias shares the value of its anchor."""

    def __init__(self, complaints: Complaints) -> None:
        self._complaints = complaints
        self._done: dict[yaml.Node, object] = {}
        self._open: set[yaml.Node] = set()

    def value(self, node: yaml.Node) -> object:
        """The value of a node: Fields, Items, str, int, Decimal, bool, date or None."""
        if node in self._done:
            return self._done[node]
        if node in self._open:
            self._complaints.at(_line(node), "an anchor must not hold itself")
            return None
        self._open.add(node)
        self._done[node] = self._read(node)
        self._open.discard(node)
        return self._done[node]

    def _read(self, node: yaml.Node) -> object:
        if isinstance(node, yaml.MappingNode):
            return self._fields(node)
        if isinstance(node, yaml.SequenceNode):
            return self._items(node)
        return self._scalar(node)

    def _items(self, node: yaml.SequenceNode) -> Items:
        items = Items(_line(node))
        for child in node.value:
            items.append(self.value(child))
            items.lines.append(_line(child))
        return items

    def _fields(self, node: yaml.MappingNode) -> Fields:
        fields, merged = Fields(_line(node)), Fields(_line(node))
        for key_node, value_node in node.value:
            if key_node.tag == _TAG + "merge":
                self._merge(value_node, merged)
                continue
            key = key_node.value
            if not isinstance(key, str):
                self._complaints.at(_line(key_node), "a key must be a plain word")
            elif key in fields:
                self._complaints.at(_line(key_node), f'"{key}" is here twice; keep one')
            else:
                fields.put(key, self.value(value_node), _line(key_node))
        for key, value in merged.items():
            if key not in fields:
                fields.put(key, value, merged.lines[key])
        return fields

    def _merge(self, node: yaml.Node, into: Fields) -> None:
        """Add what ``<<`` names, one mapping or a list of them, the first of which wins."""
        value = self.value(node)
        for each in value if isinstance(value, Items) else [value]:
            if not isinstance(each, Fields):
                self._complaints.at(_line(node), '"<<" must name a mapping, such as *anchor')
                continue
            for key in each:
                if key not in into:
                    into.put(key, each[key], each.lines[key])

    def _scalar(self, node: yaml.Node) -> object:
        text = str(node.value)
        kind = node.tag.removeprefix(_TAG)
        if kind not in _SCALARS:
            self._complaints.at(_line(node), f'the tag "{node.tag}" is not used in rule files')
            return text
        try:
            return _SCALARS[kind](text)
        except (ValueError, ArithmeticError):
            self._complaints.at(_line(node), f"{text[:20]} {_NOT[kind]}")
            return None


_SCALARS: dict[str, Callable[[str], object]] = {
    "str": str,
    "merge": str,
    "null": lambda _: None,
    "bool": "true".__eq__,
    "int": int,
    "float": Decimal,
    "timestamp": date.fromisoformat,
}
_NOT = {
    "int": "is not a number we can read",
    "float": "is not a number we can read",
    "timestamp": "is not a day of the calendar",
}


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
