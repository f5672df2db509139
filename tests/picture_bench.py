"""Pictures of the synthetic patients and of charts made up on the spot.

The kept pictures in ``tests/pictures/`` are rewritten with
``.venv/bin/python -m tests.picture_bench --write``; then look at them before keeping them.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from cds_service.app import join_parts
from cds_service.clients import SANDBOX
from cds_service.decide import Judged, Parts, judge_call
from cds_service.engine.verdict import Verdict
from cds_service.facts.model import Chart
from cds_service.fixtures import list_fixtures, load_fixture
from cds_service.picture import NARROW, WIDE, Knowledge, Layout, Picture, draw
from cds_service.picture.told import Line
from cds_service.settings import Settings
from cds_service.web.call_schema import Caller, hook_call
from tests.golden import WRITTEN_FOR

FIXTURES = {each.name: each for each in list_fixtures()}
KEPT = ("dana-held-for-liver-toxicity", "elin-earlier-vod-eu", "xenia-own-prefetch-keys")
SVG = "{http://www.w3.org/2000/svg}"


@cache
def parts() -> Parts:
    """The parts of the service over the project's own rules."""
    return join_parts(Settings())


@cache
def judged(name: str) -> Judged:
    """A synthetic patient, judged."""
    fixture = FIXTURES[name]
    service = parts().rulebook.service(fixture.service_id)
    assert service is not None
    call = hook_call(load_fixture(name, WRITTEN_FOR), service, Caller(SANDBOX, fixture.profile))
    return judge_call(call, parts(), WRITTEN_FOR)


@cache
def of_fixture(name: str, layout: Layout = WIDE) -> Picture:
    """The picture of a synthetic patient."""
    one = judged(name)
    asked = parts().plans[FIXTURES[name].service_id].analytes
    return draw(one.chart, one.verdicts, knowledge(asked), layout)


def knowledge(asked: frozenset[str] | None = None) -> Knowledge:
    """The project's own rules, value sets and regimens."""
    return Knowledge(parts().rulebook, parts().terminology, parts().regimens, asked)


def of_chart(chart: Chart, *verdicts: Verdict, layout: Layout = WIDE) -> Picture:
    """The picture of a chart."""
    return draw(chart, verdicts, knowledge(), layout)


def tree(picture: Picture) -> ElementTree.Element:
    """The picture, parsed."""
    # What is parsed here was written by the project itself a moment ago.
    return ElementTree.fromstring(picture.svg)  # noqa: S314


def named(picture: Picture, word: str) -> list[ElementTree.Element]:
    """The elements of a class."""
    return [each for each in tree(picture).iter() if word in each.get("class", "").split()]


def written(picture: Picture) -> list[str]:
    """Every text in the picture itself."""
    return ["".join(each.itertext()) for each in tree(picture).iter(f"{SVG}text")]


def lines(picture: Picture, title: str = "") -> list[Line]:
    """The entries of the text alternative, of one section or of all."""
    return [
        line for section in picture.text if title in ("", section.title) for line in section.lines
    ]


def coordinates(picture: Picture) -> list[tuple[float, float]]:
    """Every point of every shape and every text."""
    found = []
    for element in tree(picture).iter():
        for across, up in (("x", "y"), ("x1", "y1"), ("x2", "y2"), ("cx", "cy")):
            if element.get(across) is not None:
                found.append((float(element.get(across, "")), float(element.get(up, ""))))
        words = element.get("d", "").replace("M", "").replace("L", "").replace("Z", "").split()
        found += [(float(x), float(y)) for x, y in zip(words[::2], words[1::2], strict=True)]
    return found


def size(picture: Picture) -> tuple[float, float]:
    """Width and height of the view box."""
    left, top, width, height = map(float, tree(picture).get("viewBox", "").split())
    assert (left, top) == (0, 0)
    return width, height


def kept_file(name: str, layout: Layout) -> Path:
    """Where a picture is kept."""
    return Path(__file__).parent / "pictures" / f"{name}.{layout.name}.svg"


def as_kept(picture: Picture) -> str:
    """One element to a line, so that a difference can be read."""
    return picture.svg.replace("><", ">\n<") + "\n"


def write() -> None:
    """Keep the pictures as they are drawn now."""
    for name in KEPT:
        for layout in (WIDE, NARROW):
            text = as_kept(of_fixture(name, layout))
            kept_file(name, layout).write_text(text, "utf-8", newline="\n")


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    write()
