"""Templates as trees of our own, which are filled in a few steps.

Most templates print words, choose (``if``) and repeat (``for``), and little else. Jinja reads them
once; the words of the chart are then put in here. A template that does more, and a filling that
fails for whatever reason, is left to Jinja: what it prints and what it refuses is what counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import eq, ne
from typing import Any, NamedTuple

from jinja2 import nodes

from cds_service.cards.words import Words

Names = Mapping[str, object]
"""What a template may name."""
Value = Callable[[Names], object]
"""An expression; raises LookupError or TypeError when a name or a word is not there."""

_COMPARED: Mapping[str, Callable[[object, object], bool]] = {"eq": eq, "ne": ne}


class NotPlainError(Exception):
    """The template does what only Jinja does."""


class Word(NamedTuple):
    """Prints one word of a name: ``{{ bilirubin.text }}``."""

    name: str
    word: str


class Printed(NamedTuple):
    """Prints any other expression."""

    value: Value


class Choice(NamedTuple):
    """The parts of the first branch whose test holds; ``test`` None always does."""

    branches: tuple[tuple[Value, Parts], ...]
    otherwise: Parts


class Loop(NamedTuple):
    """The parts once for each of several values, which they find under ``target``."""

    target: str
    values: Value
    parts: Parts
    otherwise: Parts


Part = str | Word | Printed | Choice | Loop
Parts = tuple[Part, ...]


def parts_of(
    template: nodes.Template,
    filters: Mapping[str, Callable[..., object]],
    fixed: Callable[[str, str], str | None],
) -> Parts:
    """The tree of a template.

    ``filters`` are functions of a value and of what stands in brackets. ``fixed`` gives the text
    of a word that is the same in every call, None for any other.

    Raises:
        NotPlainError: when Jinja has to fill it.
    """
    return _Reader(filters, fixed).parts(template.body)


def fill(parts: Parts, names: Names) -> tuple[list[object], list[int]]:
    """What the template says, piece by piece, and the places of the pieces still to be printed.

    Raises:
        Exception: whatever a word that is not there, or a value of an odd kind, leads to.
    """
    pieces: list[object] = []
    values: list[int] = []
    _fill(parts, names, pieces, values)
    return pieces, values


def _fill(parts: Parts, names: Names, pieces: list[object], values: list[int]) -> None:
    for part in parts:
        if type(part) is str:
            pieces.append(part)
        elif type(part) is Word:
            values.append(len(pieces))
            words: Any = names[part.name]
            value = words.shown.get(part.word)
            # A text is printed as it is; what else may be behind a word, its name knows.
            pieces.append(value if type(value) is str else words[part.word])
        elif type(part) is Printed:
            values.append(len(pieces))
            pieces.append(part.value(names))
        elif type(part) is Choice:
            for test, chosen in part.branches:
                if test(names):
                    _fill(chosen, names, pieces, values)
                    break
            else:
                _fill(part.otherwise, names, pieces, values)
        elif type(part) is Loop:
            _repeat(part, names, pieces, values)


def _repeat(loop: Loop, names: Names, pieces: list[object], values: list[int]) -> None:
    inner, otherwise = dict(names), loop.otherwise
    for each in loop.values(names):  # type: ignore[attr-defined]  # What is no list, Jinja refuses.
        otherwise = ()
        inner[loop.target] = each
        _fill(loop.parts, inner, pieces, values)
    _fill(otherwise, names, pieces, values)


def _word(words: object, word: str) -> object:
    if not isinstance(words, Words):
        raise TypeError("only words have words")
    return words[word]


class _Reader:
    """Makes the parts of one template."""

    def __init__(
        self,
        filters: Mapping[str, Callable[..., object]],
        fixed: Callable[[str, str], str | None],
    ) -> None:
        self._filters = filters
        self._fixed = fixed
        self._local: set[str] = set()

    def parts(self, body: Sequence[nodes.Node]) -> Parts:
        """Neighbouring texts are one text."""
        made: list[Part] = []
        for node in body:
            for part in self._parts_of(node):
                if isinstance(part, str) and made and isinstance(made[-1], str):
                    made[-1] += part
                else:
                    made.append(part)
        return tuple(made)

    def _parts_of(self, node: nodes.Node) -> Sequence[Part]:
        if isinstance(node, nodes.Output):
            return [self._printed(each) for each in node.nodes]
        if isinstance(node, nodes.If):
            branches = [(node.test, node.body), *((each.test, each.body) for each in node.elif_)]
            chosen = tuple((self._value(test), self.parts(body)) for test, body in branches)
            return [Choice(chosen, self.parts(node.else_))]
        if isinstance(node, nodes.For) and isinstance(node.target, nodes.Name):
            return [self._loop(node, node.target.name)]
        raise NotPlainError

    def _loop(self, node: nodes.For, target: str) -> Loop:
        if node.test is not None or node.recursive or target in self._local:
            raise NotPlainError
        values = self._value(node.iter)
        self._local.add(target)
        body = self.parts(node.body)
        self._local.remove(target)
        return Loop(target, values, body, self.parts(node.else_))

    def _printed(self, node: nodes.Expr) -> Part:
        if isinstance(node, nodes.TemplateData):
            return str(node.data)
        if (asked := _asked(node)) is None:
            return Printed(self._value(node))
        text = None if asked.name in self._local else self._fixed(*asked)
        if text is not None:
            return text
        # A reading's own "all" is not what is meant by it.
        return Printed(self._value(node)) if asked.word == "all" else asked

    def _value(self, node: nodes.Node) -> Value:
        if (asked := _asked(node)) is not None:
            name, word = asked
            return lambda names: _word(names[name], word)
        if isinstance(node, nodes.Filter):
            return self._filtered(node)
        if isinstance(node, nodes.Name) and node.name != "loop":
            name = node.name
            return lambda names: names[name]
        if isinstance(node, nodes.Const):
            constant = node.value
            return lambda names: constant
        return self._test(node)

    def _test(self, node: nodes.Node) -> Value:
        if isinstance(node, nodes.Test) and node.name == "defined":
            if isinstance(node.node, nodes.Name) and node.node.name != "loop":
                name = node.node.name
                return lambda names: name in names
        elif isinstance(node, (nodes.And, nodes.Or)):
            left, right = self._value(node.left), self._value(node.right)
            if isinstance(node, nodes.And):
                return lambda names: left(names) and right(names)
            return lambda names: left(names) or right(names)
        elif isinstance(node, nodes.Not):
            negated = self._value(node.node)
            return lambda names: not negated(names)
        elif isinstance(node, nodes.Compare) and len(node.ops) == 1 and node.ops[0].op in _COMPARED:
            one, other = self._value(node.expr), self._value(node.ops[0].expr)
            compared = _COMPARED[node.ops[0].op]
            return lambda names: compared(one(names), other(names))
        raise NotPlainError

    def _filtered(self, node: nodes.Filter) -> Value:
        if node.node is None or node.kwargs or node.dyn_args or node.dyn_kwargs:
            raise NotPlainError
        if (function := self._filters.get(node.name)) is None:
            raise NotPlainError
        value, given = self._value(node.node), [self._value(each) for each in node.args]
        if not given:
            return lambda names: function(value(names))
        return lambda names: function(value(names), *(each(names) for each in given))


def _asked(node: nodes.Node) -> Word | None:
    """The word of a name, written ``name.word`` or ``name["word"]``; None for anything else."""
    if not isinstance(node, (nodes.Getattr, nodes.Getitem)):
        return None
    if not isinstance(node.node, nodes.Name) or node.node.name == "loop":
        return None
    if isinstance(node, nodes.Getattr):
        return Word(node.node.name, node.attr)
    given = node.arg.value if isinstance(node.arg, nodes.Const) else None
    return Word(node.node.name, given) if isinstance(given, str) else None
