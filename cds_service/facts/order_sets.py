"""What the name of an order set tells."""

from __future__ import annotations


def is_conditioning(order_set: str) -> bool:
    """Whether an order set (or plan, group, protocol) calls itself conditioning."""
    return "conditioning" in order_set.casefold()
