"""What holds for every kind of question: nothing missing is ever taken for nothing there."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.facts.answers import Answer, Question
from cds_service.facts.derive import ANSWERS, answer_all
from cds_service.facts.interval import Interval
from cds_service.facts.quantity import measured
from cds_service.facts.unknown import Reason, Unknown
from cds_service.facts.vocabulary import KINDS
from tests.builders import (
    INO,
    chart,
    condition,
    dose,
    draft,
    everything,
    harm,
    lab,
    order_on_file,
    patient,
    plan,
    procedure,
    question,
    regimens,
    response,
    terminology,
    transplant,
    unidentified,
)

ALKYLATORS = {
    "class_": "conditioning-alkylator",
    "window": 14,
    "typical": ["busulfan", "thiotepa"],
    "prophylaxis_after_graft": "cyclophosphamide",
    "substance": "thiotepa",
}
LIVER = ["total-bilirubin", "alt"]
ELECTROLYTES = ["potassium", "calcium", "calcium-ionized"]
QTC = ["qtc-fridericia", "qtc", "qtc-bazett"]
TRANSFUSION = {"transfusion": "platelet-transfusion", "transfusion_within": 3}
QUESTIONS = (
    question("setting"),
    question("patient"),
    question("order", substance=INO),
    question("exposure", substance=INO),
    question("lab", analyte=LIVER, within=7),
    question("lab", analyte=LIVER, within=7, after_dose_of=INO),
    question("lab", analyte="total-bilirubin", within=7, before_transplant=True),
    question("lab_panel", analytes=LIVER, within=7, after_dose_of=INO),
    question("lab_panel", analytes=ELECTROLYTES, within=7),
    question(
        "electrolytes",
        analytes=[*ELECTROLYTES, "albumin"],
        within=7,
        potassium_floor=4,
        calcium_floor=2,
        albumin_normal=4,
        calcium_per_albumin=1,
    ),
    question("qtc", analytes=QTC, dose_of=INO),
    question("ecg", analytes=QTC, dose_of=INO, within=14, since_start_of="qt-known-risk"),
    question("hold", substance=INO),
    question("lab_since_hold", analyte=LIVER, substance=INO),
    question("recent_drugs", substance=["methotrexate"], within=28),
    question("drugs", class_="qt-known-risk", use="systemic", lingering="amiodarone", lingers=90),
    question("drugs", substance="ursodiol", state="drafted-or-current"),
    question("conditioning", **ALKYLATORS),
    question("transplant", typical=["busulfan", "thiotepa"]),
    question("condition", concept="vod-sos", dose_of=INO),
    question("response", substance=INO, after="last-cycle"),
    question("response", substance=INO, within_cycles=3),
    question("body", substance=INO),
    question("dose_ordered", substance=INO, tolerance=10),
    question("schedule", substance=INO),
    question("infusion", substance=INO),
    question("preparation", substance=INO),
    question("unresolved_drugs", substance=INO),
    question("conflicts", analytes=LIVER, within=7, minutes_apart=60),
    question("blood_count", analyte="anc", substance=INO, within=7, below=1),
    question("blood_count", analyte="platelets", substance=INO, within=7, below=50, **TRANSFUSION),
    question(
        "count_recovery",
        analytes=["anc", "platelets"],
        substance=INO,
        within=7,
        neutrophils_at_least=1,
        platelets_at_least=50,
        **TRANSFUSION,
    ),
    question("transfusion", analyte="platelets", within=7, **TRANSFUSION),
    question(
        "blasts",
        analyte="blasts-absolute",
        percent="blasts-percent",
        leukocytes="wbc",
        differential=["neutrophil-percent"],
        within=7,
        hours_apart=24,
    ),
    question(
        "premedication", classes=["premed-corticosteroid", "premed-antipyretic"], substance=INO
    ),
    question("harm", substance=INO, concept=["infusion-reaction"]),
    question("harm", substance=INO, type="allergy"),
    question("diagnoses", concept=["vod-sos", "gilbert"], status="active"),
    question("marker", stated_by="vod-sos", denied_by="gilbert"),
    question("line_of_therapy"),
    question("finding", analyte="total-bilirubin", within=7),
    question("tested", analyte="total-bilirubin", within=7),
    question("weight_change", analyte="alt", substance=INO, since="last-dose", within=30),
    question("drugs", substance=["busulfan"], state="ever"),
)

days = st.integers(-20, 120)
near = st.integers(-3, 12)
flags = st.sampled_from([True, False, None])
values = st.sampled_from(["0.5 mg/dL", "1.9 mg/dL", "<0.2 mg/dL", ">25 mg/dL"])
statuses = st.sampled_from(["active", "on-hold", "stopped", "completed", "unknown"])
drug_names = st.sampled_from(
    ["busulfan", "thiotepa", "cyclophosphamide", "ondansetron", "amiodarone", "ursodiol"]
)
facts = st.one_of(
    st.builds(dose, days),
    st.builds(draft, when=st.none() | near),
    st.builds(draft, cycle=st.integers(1, 7), day=st.sampled_from([1, 8, 15])),
    st.builds(
        lambda when, mg: draft(when=when, dose=measured(mg, "mg")),
        st.none() | near,
        st.decimals("0.2", "4", places=1),
    ),
    st.builds(
        lambda when, words: dose(when, amount="1 mg", text=words),
        days,
        st.sampled_from(["", "dose reduced 25 % for ALT", "0.5 after CR"]),
    ),
    st.builds(lambda at: lab("bsa", "1.8 m2", at=at), near),
    st.builds(lambda at, kg: lab("body-weight", f"{kg} kg", at=at), near, st.integers(60, 90)),
    st.builds(lambda at: lab("body-height", "180 cm", at=at), days),
    st.builds(lambda at, of: lab("total-bilirubin", of, uln="1.2 mg/dL", at=at), near, values),
    st.builds(lambda at: lab("alt", "30 U/L", at=at, status="preliminary"), near),
    st.builds(lambda name, when, status: order_on_file(name, when=when, status=status),
              drug_names, near, statuses),
    st.builds(lambda name: dose(2, name), drug_names),
    st.builds(lambda: unidentified("study drug")),
    st.builds(transplant, st.sampled_from(["yes", "no"]), day0=st.none() | near),
    st.builds(lambda at: procedure("hsct", at=at), st.none() | days),
    st.builds(
        lambda status, onset, abatement: condition(
            "vod-sos", status=status, onset=onset, abatement=abatement
        ),
        st.sampled_from(["active", "resolved", ""]),
        st.none() | days,
        st.none() | days,
    ),
    st.builds(lambda at: condition("b-all", "all-in-remission", recorded=at), days),
    st.builds(lambda at, r, m: response(at, remission=r, mrd_negative=m), days, flags, flags),
    st.builds(plan, st.integers(1, 6), start=st.none() | days),
    st.builds(
        lambda of, at, number: lab(of, f"{number} 10*9/L", at=at),
        st.sampled_from(["anc", "platelets", "wbc", "blasts-absolute"]),
        days,
        st.sampled_from(["0.5", "1", "30", "50", "80"]),
    ),
    st.builds(lambda at: lab("blasts-percent", "60 %", at=at), near),
    st.builds(lambda at: procedure("platelet-transfusion", at=at), st.none() | near),
    st.builds(
        lambda name, role, once: order_on_file(name, role=role, one_off=once, when=1),
        st.sampled_from(["dexamethasone", "acetaminophen"]),
        st.sampled_from(["draft", "on-file"]),
        st.booleans(),
    ),
    st.builds(
        lambda to, kind, severity: harm(
            *to, kind=kind, severity=severity, label="infusion reaction"
        ),
        st.sampled_from([(), (INO,), ("busulfan",)]),
        st.sampled_from(["adverse-event", "allergy"]),
        st.sampled_from(["", "moderate", "severe"]),
    ),
)  # fmt: skip
charts = st.lists(facts, max_size=10).map(
    lambda found: chart(patient(birth="1970-01-01", sex="female"), *found)
)
keys = st.sets(st.sampled_from(sorted({key for kind in KINDS.values() for key in kind.needs})))


def answers(of) -> dict[Question, Answer]:
    return answer_all(QUESTIONS, of, terminology(), regimens())


def possible_tests(answer: Answer):
    """Every test a rule could make on the fields of an answer."""
    fields = {name for reading in answer.readings for name in reading.fields}
    for name in sorted(fields):
        spec = KINDS[answer.question.kind].fields[name]
        if spec.type == "number":
            yield from ((name, number, op) for number in (0, 1, 2, 3) for op in ("gte", "lte"))
        elif spec.type == "flag":
            yield from ((name, flag, "is") for flag in (True, False))
        else:
            yield from ((name, word, "is") for word in spec.choices or ("female",))


def verdict(answer: Answer, test) -> bool | None:
    """How a clause of one test is judged, as told in ``facts.answers``."""
    truths = [passes(reading.fields.get(test[0]), test) for reading in answer.readings]
    if True in truths:
        return True
    return None if None in truths or answer.gaps else False


def passes(value, test) -> bool | None:
    _, wanted, op = test
    if value is None or isinstance(value, Unknown):
        return None if value is not None else False
    if isinstance(value, Interval):
        return value.compare(op, Fraction(wanted))
    return value == wanted


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"unassessed"}))
def test_every_kind_of_the_vocabulary_is_answered(kind):
    assert kind in ANSWERS
    assert any(asked.kind == kind for asked in QUESTIONS)


@given(charts, keys)
def test_answers_speak_the_vocabulary(of, unread):
    of = replace(of, gaps={key: Unknown("a search", Reason.FAILED) for key in unread})
    for asked, answer in answers(of).items():
        kind = KINDS[asked.kind]
        for reading in answer.readings:
            assert set(reading.fields) <= set(kind.fields)
            assert set(kind.show) <= set(reading.show), asked.kind
            assert not any(value is None for value in reading.show.values())
            for name, value in reading.fields.items():
                assert value is None or isinstance(value, (Unknown, *TYPES[kind.fields[name].type]))


TYPES = {"number": (Interval,), "flag": (bool,), "word": (str,)}


@given(charts, keys)
def test_an_unread_search_never_lets_anything_be_ruled_out(of, unread):
    """What depends on a search that failed is never certainly false, unless it was before the
    chart said so by what it holds and not by what it lacks."""
    nothing = chart(patient(birth="1970-01-01", sex="female"))
    read, failed = (
        answers(nothing),
        answers(replace(nothing, gaps={key: Unknown("a search", Reason.FAILED) for key in unread})),
    )
    for asked, answer in failed.items():
        if unread & set(KINDS[asked.kind].needs):
            for test in possible_tests(read[asked]):
                assert verdict(answer, test) in (verdict(read[asked], test), None)


@given(charts, keys)
def test_an_unread_search_turns_no_verdict_round(of, unread):
    """A gap may turn certainty into doubt, never a no into a yes or a yes into a no."""
    whole = answers(of)
    gappy = answers(replace(of, gaps={key: Unknown("x", Reason.FAILED) for key in unread}))
    for asked, answer in gappy.items():
        for test in possible_tests(whole[asked]):
            before, after = verdict(whole[asked], test), verdict(answer, test)
            assert after is None or after is before, (asked, test, before, after)


@settings(max_examples=60)
@given(charts, keys, st.randoms())
def test_taking_evidence_away_never_settles_what_a_gap_left_open(of, unread, random):
    """With a search unread, a poorer chart is not surer that something is absent."""
    of = replace(of, gaps={key: Unknown("x", Reason.FAILED) for key in unread})
    poorer = chart(
        patient(birth="1970-01-01", sex="female"), gaps=dict.fromkeys(unread, Reason.FAILED)
    )
    kept = [fact for fact in everything(of) if random.random() < 0.5]
    poorer = replace(chart(patient(birth="1970-01-01", sex="female"), *kept), gaps=of.gaps)
    for asked, answer in answers(poorer).items():
        if asked.kind not in PRESENCE or not unread & set(KINDS[asked.kind].needs):
            continue
        before = answers(of)[asked]
        for test in PRESENCE[asked.kind]:
            if verdict(before, test) is None:
                assert verdict(answer, test) is not False, (asked, test)


PRESENCE = {
    "exposure": [("exposed", True, "is"), ("doses", 1, "gte")],
    "condition": [("active", True, "is")],
    "drugs": [("count", 1, "gte")],
}


@given(charts)
def test_the_order_of_the_facts_does_not_matter(of):
    turned = replace(of, labs=of.labs[::-1], drugs=of.drugs[::-1], conditions=of.conditions[::-1])
    ours, theirs = answers(of), answers(turned)
    for asked in QUESTIONS:
        for test in possible_tests(ours[asked]):
            assert verdict(ours[asked], test) is verdict(theirs[asked], test), (asked, test)


def test_no_answer_names_the_patient():
    of = chart(patient(birth="1970-01-01"), draft(), dose(date(2026, 11, 1).isoformat()))

    assert "1970-01-01" not in repr(answers(of))
