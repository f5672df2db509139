"""Several rules as one: for each rule there is, every session of the extension takes 12 kB.

A packed rule fires when any of its conditions holds. They are of different groups, and a fact is
of one; so the fact it fired on tells which it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cds_service.engine.groups import MAX_EXPRESSIONS, Expression, group_of


@dataclass(slots=True)
class Pack:
    """Conditions by group, each with the name of the rule that it is the condition of."""

    rules: dict[int, tuple[str, Expression]] = field(default_factory=dict)
    _size: int = 0

    def takes(self, condition: Expression) -> bool:
        """Whether there is room, and none of the same group."""
        full = self._size + _expressions(condition) > MAX_EXPRESSIONS
        return not self.rules or not (full or group_of(condition) in self.rules)

    def add(self, name: str, condition: Expression) -> None:
        """Put a rule in."""
        self.rules[group_of(condition)] = name, condition
        self._size += _expressions(condition)

    @property
    def condition(self) -> Expression:
        """What the packed rule waits for."""
        conditions = [condition for _, condition in self.rules.values()]
        return conditions[0] if len(conditions) == 1 else {"$or": conditions}


def packed(conditions: Mapping[str, Expression]) -> list[Pack]:
    """Rules by name as few packs, the longest first, each in the first that takes it."""
    packs: list[Pack] = []
    by_length = sorted(conditions.items(), key=lambda each: -_expressions(each[1]))
    for name, condition in by_length:
        pack = next((each for each in packs if each.takes(condition)), None)
        if pack is None:
            packs.append(pack := Pack())
        pack.add(name, condition)
    return packs


def _expressions(condition: Expression) -> int:
    """The comparisons, and two for each list of them: its beginning and its end."""
    (value,) = condition.values()
    return 2 + sum(map(_expressions, value)) if isinstance(value, list) else 1
