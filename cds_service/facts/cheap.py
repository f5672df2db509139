"""Frozen dataclasses that cost a third to make.

One call makes some hundred intervals, readings and reasons. ``frozen=True`` guards each attribute
of each of them while they are made; here the type checker alone keeps them from being changed.
Everything else is as the standard decorator has it: equality, hash, order, ``replace``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as cheap_dataclass
else:
    from dataclasses import dataclass

    def cheap_dataclass(*, frozen: bool, slots: bool, order: bool = False):
        """A dataclass with the hash of a frozen one; ``frozen`` is for the type checker."""
        return dataclass(slots=slots, order=order, unsafe_hash=frozen)


__all__ = ["cheap_dataclass"]
