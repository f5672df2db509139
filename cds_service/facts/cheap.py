"""Frozen dataclasses that cost a third to make, and attributes that are worked out once.

One call makes some hundred intervals, readings and reasons. ``frozen=True`` guards each attribute
of each of them while they are made; here the type checker alone keeps them from being changed.
Everything else is as the standard decorator has it: equality, hash, order, ``replace``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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


__all__ = ["cheap_dataclass", "kept"]
