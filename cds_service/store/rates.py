"""What counts say: percentiles, and what share so few answers support."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

_Z = Decimal("1.96")
"""Two-sided 95 % of the normal distribution."""


def nearest_rank(counted: Mapping[int, int], share: Fraction) -> int:
    """The smallest value that at least this share of all values does not exceed.

    ``counted``: how often each value occurs. A value that really occurred, never one in between.

    Raises:
        ValueError: when nothing was counted.
    """
    wanted, seen = share * sum(counted.values()), 0
    for value in sorted(counted):
        seen += counted[value]
        if seen >= wanted and seen:
            return value
    raise ValueError("no values, so no percentile")


def at_least(part: int, whole: int) -> Decimal:
    """The lowest share that a count of so many supports: Wilson's lower bound at 95 %, 0 to 1.

    One of one supports 0.21, ninety of a hundred 0.83, nothing of nothing 0.
    E. B. Wilson, Journal of the American Statistical Association 1927; 22: 209–212.
    """
    if not part:
        return Decimal(0)
    n, p, zz = Decimal(whole), Decimal(part) / whole, _Z * _Z
    spread = _Z * (p * (1 - p) / n + zz / (4 * n * n)).sqrt()
    return max(Decimal(0), (p + zz / (2 * n) - spread) / (1 + zz / n))
