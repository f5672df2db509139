"""Whether the count in use was measured so soon after a transfusion that it depends on it."""

from __future__ import annotations

from cds_service.facts.answers import Answer, Later, Question, Reading
from cds_service.facts.derive.counts import Count, latest, without_transfusion
from cds_service.facts.derive.lab import period_of
from cds_service.facts.derive.transfused import Transfusion, transfusions
from cds_service.facts.derive.view import View, slug


def answer(question: Question, view: View) -> Answer:
    """A reading per result in use; the gaps are those of the results and of the transfusions."""
    given = transfusions(question, view)
    now = latest(view, slug(question, "analyte"), period_of(question), given)
    said = {
        without_transfusion(now.name, each.transfusion) for each in now.counts if each.transfusion
    }
    gaps = tuple(gap for gap in now.gaps if gap not in said)
    return Answer(question, tuple(_reading(count, count.transfusion) for count in now.counts), gaps)


def _reading(count: Count, transfusion: Transfusion | None) -> Reading:
    others = (transfusion.source,) if transfusion else ()
    return Reading(
        {"before_count": transfusion is not None},
        Later(lambda: _shown(count, transfusion)),
        (count.one.result.source, *others),
    )


def _shown(count: Count, transfusion: Transfusion | None) -> dict[str, object]:
    return {
        "name": count.name,
        "text": count.text,
        "date": count.day,
        "transfused": str(transfusion.when) if transfusion else "",
        "label": transfusion.label if transfusion else "",
        "topics": {
            "before_count": (without_transfusion(count.name, transfusion),) if transfusion else ()
        },
    }
