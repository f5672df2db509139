"""One patient's course of treatment as a picture, and the same in words.

Drawn from the facts of one call and the verdicts on them; no name, identifier or free text of the
chart is in it. ``gather`` decides what is shown, ``draw`` where, ``told`` says it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cds_service.engine.verdict import Verdict
from cds_service.facts.model import Chart
from cds_service.picture.draw import draw_course
from cds_service.picture.gather import Knowledge, gather
from cds_service.picture.layout import NARROW, WIDE, Layout
from cds_service.picture.told import Section, describe, tell, title_of

__all__ = ["NARROW", "WIDE", "Knowledge", "Layout", "Picture", "draw"]


@dataclass(frozen=True, slots=True)
class Picture:
    """The picture as an SVG document, and the same panel by panel in words."""

    svg: str
    text: tuple[Section, ...]


def draw(
    chart: Chart, verdicts: Iterable[Verdict], knowledge: Knowledge, layout: Layout = WIDE
) -> Picture:
    """Draw a chart with the verdicts on it; the same input gives the same picture."""
    course = gather(chart, verdicts, knowledge)
    svg = draw_course(course, layout, title_of(course), describe(course))
    return Picture(str(svg), tell(course))
