"""Several rules as one: for each rule there is, every session of the extension takes 12 kB.

A packed rule fires when any of its conditions holds. They are of different groups, and a fact is
of one; so the fact it fired on tells which it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cds_service.engine.groups import MAX_EXPRESSIONS, Expression, group_of


@dataclass(slots=True)
class Pack:
    """Conditions by group, each with the name of the rule that it is the condition of.

    ``size`` is how many expressions they are.
    """

    rules: dict[int, tuple[str, Expression]] = field(default_factory=dict)
    size: int = 0

    def add(self, name: str, condition: Expression) -> None:
        """Put a rule in."""
        self.rules[group_of(condition)] = name, condition
        self.size += _expressions(condition)

    @property
    def condition(self) -> Expression:
        """What the packed rule waits for."""
        conditions = [condition for _, condition in self.rules.values()]
        return conditions[0] if len(conditions) == 1 else {"$or": conditions}


def packed(conditions: Mapping[str, Expression]) -> list[Pack]:
    """Rules by name as packs: as few as hold them when they are dealt out evenly."""
    groups: dict[int, list[str]] = {}
    for name in sorted(conditions, key=lambda name: -_expressions(conditions[name])):
        groups.setdefault(group_of(conditions[name]), []).append(name)
    fewest = max(map(len, groups.values()), default=0)
    for number in range(fewest, len(conditions) + 1):
        packs = _dealt(number, groups.values(), conditions)
        if all(len(pack.rules) == 1 or pack.size <= MAX_EXPRESSIONS for pack in packs):
            break
    return packs


def _dealt(
    number: int, groups: Iterable[Sequence[str]], conditions: Mapping[str, Expression]
) -> list[Pack]:
    """That many packs; of each group the longest rule goes to the smallest pack, and so on."""
    packs = [Pack() for _ in range(number)]
    for names in groups:
        smallest_first = sorted(packs, key=lambda pack: pack.size)
        for name, pack in zip(names, smallest_first, strict=False):
            pack.add(name, conditions[name])
    return packs


def _expressions(condition: Expression) -> int:
    """The comparisons, and two for each list of them: its beginning and its end."""
    (value,) = condition.values()
    return 2 + sum(map(_expressions, value)) if isinstance(value, list) else 1
