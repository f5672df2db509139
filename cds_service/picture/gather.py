"""From a chart and the verdicts on it to what is to be drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cds_service.engine.verdict import Verdict
from cds_service.facts.derive.view import View
from cds_service.facts.model import Chart
from cds_service.facts.regimen import Regimen
from cds_service.picture.marks import marks_of
from cds_service.picture.model import Course
from cds_service.picture.results import panels_of
from cds_service.picture.treatment import rows_of
from cds_service.rulebook.model import Rulebook
from cds_service.terminology import Terminology


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a picture needs to know beside the chart.

    ``regimens`` by substance; ``asked`` are the analytes the chart was asked for, None for all.
    """

    rulebook: Rulebook
    terminology: Terminology
    regimens: Mapping[str, Regimen]
    asked: frozenset[str] | None = None


def gather(chart: Chart, verdicts: Iterable[Verdict], knowledge: Knowledge) -> Course:
    """Everything the picture shows, in the order it shows it."""
    view = View(chart, knowledge.terminology, knowledge.regimens)
    marks = marks_of(verdicts)
    return Course(
        today=chart.today,
        moment="today" if chart.hook == "patient-view" else "this order",
        rows=rows_of(view, knowledge.regimens),
        panels=panels_of(view, knowledge.rulebook, marks, knowledge.asked),
    )
