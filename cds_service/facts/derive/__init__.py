"""Questions answered from a chart: one file per kind of question.

Every answer follows the reading in ``facts.answers``: what was found stays found whatever else is
missing, and nothing is called absent unless everything that could hold it was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from cds_service.facts.answers import Answer, Question
from cds_service.facts.derive import (
    blasts,
    blood_count,
    body,
    condition,
    conditioning,
    conflicts,
    count_recovery,
    diagnoses,
    dose_ordered,
    drugs,
    ecg,
    electrolytes,
    exposure,
    finding,
    harm,
    hold,
    infusion,
    lab,
    lab_panel,
    lab_since_hold,
    line_of_therapy,
    marker,
    order,
    patient,
    premedication,
    preparation,
    qtc,
    recent_drugs,
    response,
    schedule,
    setting,
    transfusion,
    transplant,
    unresolved_drugs,
    weight_change,
)
from cds_service.facts.derive.silence import silences
from cds_service.facts.derive.view import View
from cds_service.facts.model import Chart
from cds_service.facts.regimen import Regimen
from cds_service.terminology import Terminology

ANSWERS: Mapping[str, Callable[[Question, View], Answer]] = {
    "setting": setting.answer,
    "patient": patient.answer,
    "order": order.answer,
    "exposure": exposure.answer,
    "lab": lab.answer,
    "lab_panel": lab_panel.answer,
    "electrolytes": electrolytes.answer,
    "qtc": qtc.answer,
    "ecg": ecg.answer,
    "hold": hold.answer,
    "lab_since_hold": lab_since_hold.answer,
    "recent_drugs": recent_drugs.answer,
    "drugs": drugs.answer,
    "conditioning": conditioning.answer,
    "transplant": transplant.answer,
    "condition": condition.answer,
    "diagnoses": diagnoses.answer,
    "marker": marker.answer,
    "line_of_therapy": line_of_therapy.answer,
    "finding": finding.answer,
    "tested": finding.answer_tested,
    "weight_change": weight_change.answer,
    "response": response.answer,
    "body": body.answer,
    "dose_ordered": dose_ordered.answer,
    "schedule": schedule.answer,
    "infusion": infusion.answer,
    "preparation": preparation.answer,
    "blood_count": blood_count.answer,
    "count_recovery": count_recovery.answer,
    "transfusion": transfusion.answer,
    "blasts": blasts.answer,
    "premedication": premedication.answer,
    "harm": harm.answer,
    "unresolved_drugs": unresolved_drugs.answer,
    "conflicts": conflicts.answer,
}
"""How each kind is answered. ``unassessed`` is not here: the engine answers it last."""


_ANYTHING: tuple[frozenset[str], None] = (frozenset(), None)
"""Where something is unread, anything may be on file."""


class Answered(dict[Question, Answer]):
    """The answers of a chart: each question is answered when its answer is first looked up.

    Iteration, ``in`` and ``get`` see those that were. ``unassessed`` is left to the engine.
    """

    def __init__(
        self, chart: Chart, terminology: Terminology, regimens: Mapping[str, Regimen]
    ) -> None:
        super().__init__()
        self._view = View(chart, terminology, regimens)
        self._silences = silences(terminology)

    def __missing__(self, question: Question) -> Answer:
        """Answer a question, once.

        Raises:
            KeyError: for a kind that is not in the vocabulary, which the rule lint refuses.
        """
        view = self._view
        about, answer = self._silences[question] if view.sent_whole else _ANYTHING
        if answer is None or not view.words.isdisjoint(about):
            answer = ANSWERS[question.kind](question, view)
        self[question] = answer
        return answer


def answer_all(
    questions: Iterable[Question],
    chart: Chart,
    terminology: Terminology,
    regimens: Mapping[str, Regimen],
) -> dict[Question, Answer]:
    """Answer each question once; ``unassessed`` is left to the engine.

    Raises:
        KeyError: for a kind that is not in the vocabulary, which the rule lint refuses.
    """
    answered = Answered(chart, terminology, regimens)
    return {each: answered[each] for each in questions if each.kind != "unassessed"}
