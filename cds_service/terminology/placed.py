"""YAML that remembers its lines, so that every complaint can say `file:line`."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path

import yaml

_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STRING = "tag:yaml.org,2002:str"
_NULL = "tag:yaml.org,2002:null"


def nearest(word: str, allowed: Collection[str]) -> str:
    """The end of a complaint: the allowed word closest to a wrong one, or "" when none is close."""
    close = difflib.get_close_matches(word, sorted(allowed), n=1)
    return f' Did you mean "{close[0]}"?' if close else ""


class PlacedFile:
    """One YAML file being read.

    Readers answer None (or nothing) for what is wrong and add a complaint, so that one start
    reports every problem of every file.
    """

    def __init__(self, path: Path, complaints: list[str]) -> None:
        """Take the file and the list that complaints are added to."""
        self.path = path
        self._name = f"{path.parent.name}/{path.name}"
        self._complaints = complaints

    def place(self, node: yaml.Node | None = None) -> str:
        """Where a node stands, as `folder/file:line`; without a node, the top of the file."""
        return f"{self._name}:{node.start_mark.line + 1 if node else 1}"

    def complain(self, message: str, node: yaml.Node | None = None) -> None:
        """Add a complaint about a node, or about the whole file."""
        self._complaints.append(f"{self.place(node)}: {message}")

    def root(self) -> yaml.MappingNode | None:
        """The top of the file, which must be a mapping."""
        try:
            node = yaml.compose(self.path.read_text(encoding="utf-8"), Loader=_LOADER)
        except UnicodeDecodeError:
            self.complain("the file is not UTF-8 text.")
            return None
        except yaml.YAMLError as error:
            self._complain_about_syntax(error)
            return None
        if isinstance(node, yaml.MappingNode):
            return node
        self.complain('the file must be a list of "key: value" lines.', node)
        return None

    def fields(
        self, node: yaml.Node, allowed: Collection[str], required: Collection[str] = ()
    ) -> dict[str, yaml.Node]:
        """The entries of a mapping; a foreign, repeated or missing key is complained about."""
        found = self.entries(node)
        for key in [key for key in found if key not in allowed]:
            self.complain(
                f'unknown key "{key}"; allowed: {", ".join(allowed)}.{nearest(key, allowed)}',
                found.pop(key),
            )
        for key in required:
            if key not in found:
                self.complain(f'"{key}" is missing.', node)
        return found

    def entries(self, node: yaml.Node) -> dict[str, yaml.Node]:
        """The entries of a mapping with free keys."""
        found: dict[str, yaml.Node] = {}
        if not isinstance(node, yaml.MappingNode):
            self.complain("expected a mapping here.", node)
            return found
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.complain("a key must be a plain word.", key)
            elif key.value in found:
                self.complain(f'"{key.value}" is given twice.', key)
            else:
                found[key.value] = value
        return found

    def items(self, node: yaml.Node | None, what: str) -> list[yaml.Node]:
        """The items of a list; an absent list is empty."""
        if node is None:
            return []
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        self.complain(f"{what} must be a list.", node)
        return []

    def text(self, node: yaml.Node | None, what: str) -> str | None:
        """A non-empty text. A bare number is refused: YAML would read 0123 as 83."""
        if node is None:
            return None
        if not isinstance(node, yaml.ScalarNode):
            self.complain(f"{what} must be a text.", node)
            return None
        words: str = node.value.strip()
        if node.tag == _NULL or not words:
            self.complain(f"{what} is empty.", node)
        elif node.tag != _STRING:
            self.complain(f'{what} must be a text: write "{words}" in quotes.', node)
        else:
            return words
        return None

    def texts(self, node: yaml.Node | None, what: str) -> tuple[str, ...]:
        """One text, or a list of texts."""
        nodes = self.items(node, what) if isinstance(node, yaml.SequenceNode) else [node]
        return tuple(text for one in nodes if (text := self.text(one, what)))

    def choice(self, node: yaml.Node | None, what: str, allowed: Collection[str]) -> str | None:
        """A text out of a closed set."""
        word = self.text(node, what)
        if word is None or word in allowed:
            return word
        self.complain(
            f'{what} "{word}" is none of {", ".join(allowed)}.{nearest(word, allowed)}', node
        )
        return None

    def day(self, node: yaml.Node | None, what: str) -> date | None:
        """A full ISO date."""
        if node is None:
            return None
        try:
            return date.fromisoformat(node.value)
        except (ValueError, TypeError):
            self.complain(f"{what} must be a date such as 2026-11-22.", node)
            return None

    def lists(self, node: yaml.Node | None, what: str) -> Mapping[str, tuple[str, ...]]:
        """A mapping whose values are lists of texts; an absent one is empty."""
        if node is None:
            return {}
        return {
            key: self.texts(value, f"{what} {key}") for key, value in self.entries(node).items()
        }

    def _complain_about_syntax(self, error: yaml.YAMLError) -> None:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        problem = getattr(error, "problem", None) or "it holds characters YAML does not allow"
        self._complaints.append(f"{self._name}:{line}: this is not YAML: {problem}.")
