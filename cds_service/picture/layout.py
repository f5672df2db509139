"""Two sizes of paper: a page, and a phone."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    """Measures in units of the view box, which are pixels when the picture is not scaled.

    ``left`` and ``right`` are the margins beside the plot. With ``titles_beside`` the left margin
    holds titles and legends, and the right one the names of limits; else both stand above the plot.
    ``tick_gap`` is the least distance of two dates.
    """

    name: str
    width: int
    left: int
    right: int
    panel_height: int
    tick_gap: int
    titles_beside: bool
    size: int = 12
    line: int = 16

    @property
    def plot_right(self) -> int:
        """Where the plot ends."""
        return self.width - self.right


WIDE = Layout("wide", 980, 184, 164, 96, 68, titles_beside=True)
NARROW = Layout("narrow", 360, 38, 10, 92, 62, titles_beside=False)
