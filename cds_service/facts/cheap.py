"""Frozen dataclasses that cost a third to make, and attributes that are worked out once.

One call makes some hundred intervals, readings and reasons. ``frozen=True`` guards each attribute
of each of them while they are made; here the type checker alone keeps them from being changed.
Everything else is as the standard decorator has it: equality, hash, order, ``replace``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from dataclasses import dataclass as cheap_dataclass
    from functools import cached_property as kept
else:
    from dataclasses import dataclass

    class kept:  # noqa: N801 (It is written like the property it stands for.)
        """``functools.cached_property`` without its lock: no thread shares what one call reads."""

        def __init__(self, work_out):
            """Take the method that works the attribute out."""
            self._work_out = work_out
            self._name = work_out.__name__
            self.__doc__ = work_out.__doc__

        def __get__(self, holder, owner=None):
            """What the method says, which from now on stands in its place."""
            if holder is None:
                return self
            value = holder.__dict__[self._name] = self._work_out(holder)
            return value

    def cheap_dataclass(*, frozen: bool, slots: bool, order: bool = False):
        """A dataclass with the hash of a frozen one; ``frozen`` is for the type checker."""
        return dataclass(slots=slots, order=order, unsafe_hash=frozen)


_Made = TypeVar("_Made", bound=type)


class _Late:
    """A field that is read from the holder's record when it is first asked for, and then kept."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, holder: object, owner: type | None = None) -> object:
        """The field as the record has it under the same name; it stands in its place from now."""
        if holder is None:
            return self
        name, known = self._name, holder.__dict__
        value = known[name] = getattr(known["_record"], name)
        return value


def read_when_asked(*at_once: str) -> Callable[[_Made], _Made]:
    """Let a dataclass without slots be made from a ``_record`` alone, by filling its ``__dict__``.

    Most orders and results of a chart interest no rule: what nobody asks of them is never read.
    The fields ``at_once`` are filled with the record. One made in the usual way is as it always
    was, and one read late is equal to it.
    """

    def with_late_fields(cls: _Made) -> _Made:
        def whole(made: object) -> dict[str, object]:
            """Every field, so that a copy needs no record."""
            return {name: getattr(made, name) for name in names}

        names = [field.name for field in fields(cls)]
        for name in names:
            if name not in at_once:
                setattr(cls, name, _Late(name))
            elif name in vars(cls):
                # Its default, known to ``__init__``, would make finding it slower.
                delattr(cls, name)
        type.__setattr__(cls, "__getstate__", whole)
        return cls

    return with_late_fields


__all__ = ["cheap_dataclass", "kept", "read_when_asked"]
