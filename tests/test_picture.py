"""The course, drawn: what is in the picture, what is marked, and that the words say the same."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.course import dose_history
from cds_service.facts.derive.view import View
from cds_service.facts.unknown import Reason, Unknown
from cds_service.picture import NARROW, WIDE, Layout
from cds_service.picture.labels import Box, Spot, box_of
from cds_service.picture.marks import marks_of
from cds_service.picture.time_scale import TimeScale
from tests import picture_bench as bench
from tests.builders import (
    INO,
    TODAY,
    chart,
    dose,
    doses,
    draft,
    lab,
    order_on_file,
    procedure,
    regimens,
    response,
    terminology,
    transplant,
    with_gaps,
)

every_fixture = pytest.mark.parametrize("name", bench.FIXTURES)
both_layouts = pytest.mark.parametrize("layout", [WIDE, NARROW], ids=lambda each: each.name)

_TAGS = {"svg", "g", "title", "desc", "text", "line", "path", "circle", "rect"}
_PANEL_ANALYTES = frozenset(
    {"total-bilirubin", "alt", "ast", "anc", "anc-segmented-only", "platelets"}
    | {"qtc-fridericia", "qtc", "qtc-bazett"}
)


# ---------------------------------------------------------------- every synthetic patient


@both_layouts
@every_fixture
def test_a_picture_is_nothing_but_shapes_and_words(name: str, layout: Layout) -> None:
    """
    No script, style, link or event can be in it, so the page may keep its strict policy.
    """
    tree = bench.tree(bench.of_fixture(name, layout))

    assert {each.tag.removeprefix(bench.SVG) for each in tree.iter()} <= _TAGS
    attributes = {attribute for each in tree.iter() for attribute in each.attrib}
    assert not {each for each in attributes if each.startswith("on") or "href" in each}
    assert "style" not in attributes
    assert tree.get("role") == "img"
    assert tree.findtext(f"{bench.SVG}title")
    assert tree.findtext(f"{bench.SVG}desc")


@both_layouts
@every_fixture
def test_everything_lies_inside_the_view_box(name: str, layout: Layout) -> None:
    picture = bench.of_fixture(name, layout)
    width, height = bench.size(picture)

    assert width == layout.width
    assert all(0 <= x <= width and 0 <= y <= height for x, y in bench.coordinates(picture))


@every_fixture
def test_each_dose_is_told_exactly_once(name: str) -> None:
    given_doses = dose_history(
        bench.judged(name).chart.drugs, INO, bench.judged(name).chart.now, regimens()[INO]
    ).doses
    told = Counter(
        (line.date, line.source)
        for line in bench.lines(bench.of_fixture(name), "Treatment")
        if line.what == "inotuzumab ozogamicin" and line.about.startswith("done")
    )

    assert told == Counter((str(each.day), each.source.reference) for each in given_doses)


@every_fixture
def test_each_result_is_told_exactly_once(name: str) -> None:
    results = [each for each in bench.judged(name).chart.labs if each.analyte in _PANEL_ANALYTES]
    told = [line.source for section in bench.of_fixture(name).text[1:] for line in section.lines]

    assert Counter(told) == Counter(each.source.reference for each in results)


@every_fixture
def test_rings_are_around_the_results_that_made_a_rule_fire_and_no_others(name: str) -> None:
    one = bench.judged(name)
    marks = marks_of(one.verdicts)
    caused = {
        each.source.reference: marks[each.source]
        for each in one.chart.labs
        if each.analyte in _PANEL_ANALYTES and each.source in marks
    }
    picture = bench.of_fixture(name)

    assert {line.source: line.rules for line in bench.lines(picture) if line.rules} == caused
    dated = [each for each in bench.lines(picture) if each.rules and each.date != "no date"]
    assert len(bench.named(picture, "course-ring")) == len(dated)


@pytest.mark.parametrize("name", bench.KEPT)
@both_layouts
def test_the_picture_is_the_one_that_was_kept(name: str, layout: Layout) -> None:
    drawn = bench.as_kept(bench.of_fixture(name, layout))

    assert drawn == bench.kept_file(name, layout).read_text("utf-8")


@every_fixture
def test_no_word_of_the_chart_that_may_name_the_patient_is_drawn(name: str) -> None:
    labels = {each.label for each in bench.judged(name).chart.drugs}
    names = {view_name.casefold() for view_name in map(terminology().display_name, _drugs(name))}
    foreign = {each for each in labels if each and each.casefold() not in names}

    assert not foreign & set(bench.written(bench.of_fixture(name)))


def _drugs(name: str) -> set[str]:
    return {slug for use in bench.judged(name).chart.drugs for slug in use.substances}


# ---------------------------------------------------------------- what is marked


def test_a_transaminase_that_is_only_not_raised_is_no_cause() -> None:
    """
    Bilirubin alone is above its limit; that ALT is not is asked for, and gets no ring.
    """
    rung = [each for each in bench.lines(bench.of_fixture("dmitri-vod-now"), "Liver") if each.rules]

    assert {each.what for each in rung} == {"total bilirubin"}


def test_the_rule_stands_beside_its_ring() -> None:
    texts = bench.written(bench.of_fixture("emil-long-qtc-on-dialysis"))

    assert "512 · INO-QT-06" in texts


# ---------------------------------------------------------------- limits come from the rulebook


def test_the_liver_limits_are_those_of_the_rules() -> None:
    liver = bench.of_fixture("quentin-all-well").text[1]

    assert [limit.partition(":")[0] for limit in liver.limits] == [
        "1.0 × ULN for total bilirubin, ALT, AST",
        "1.5 × ULN for total bilirubin",
        "2.5 × ULN for ALT, AST",
    ]
    assert "INO-VOD-12" in liver.limits[0]
    assert "INO-LIV-01" in liver.limits[1]


def test_a_limit_for_men_is_drawn_for_men_only() -> None:
    sexes = {
        name: bench.judged(name).chart.patient.sex
        for name in ("karim-cycle-7", "dana-held-for-liver-toxicity")
    }
    drawn = {
        sex: any(limit.startswith("450 ms") for limit in bench.of_fixture(name).text[-1].limits)
        for name, sex in sexes.items()
    }

    assert drawn == {"male": True, "female": False}


# ---------------------------------------------------------------- doses


def test_a_dose_given_is_filled_and_one_ordered_is_hollow() -> None:
    picture = bench.of_chart(chart(*doses(21, 14), draft(when=0, cycle=1, day=22)))
    events = bench.named(picture, "course-event")

    assert ["course-solid" in each.get("class", "") for each in events] == [True, True, False]
    assert {"C1D1", "C1D8", "C1D22"} <= set(bench.written(picture))


def test_amounts_per_body_surface_come_before_milligrams() -> None:
    ordered = draft(when=0, dose_per_m2=lab("bsa", "0.5 mg/m2").value)
    picture = bench.of_chart(chart(dose(8, amount="0.9 mg"), ordered))

    assert {"0.9 mg", "0.5 mg/m²"} <= set(bench.written(picture))


def test_a_dose_withheld_is_crossed_out() -> None:
    held = order_on_file(INO, when=7, status="on-hold", cycle=1, day=8)
    picture = bench.of_chart(chart(dose(14), held))

    assert len(bench.named(picture, "course-cross")) == 1
    (line,) = [each for each in bench.lines(picture) if "not done" in each.about]
    assert line.about == "not done, on-hold"


def test_a_dose_on_an_unknown_day_is_said_and_not_placed() -> None:
    picture = bench.of_chart(chart(dose(None), dose(7)))

    assert "inotuzumab ozogamicin: no date" in bench.written(picture)
    assert [line.date for line in bench.lines(picture, "Treatment")] == [
        str(TODAY - timedelta(7)),
        "no date",
    ]


def test_a_draft_that_is_not_selected_is_said_to_be() -> None:
    picture = bench.of_chart(chart(draft(when=0, role="background")))

    assert "draft, not selected" in bench.lines(picture, "Treatment")[0].about


def test_an_order_of_several_days_is_drawn_on_each() -> None:
    days = tuple(TODAY + timedelta(each) for each in (0, 7, 14))
    picture = bench.of_chart(chart(draft(when=0, days=days, cycle=2, day=1)))

    assert {"C2D1", "C2D8", "C2D15"} <= set(bench.written(picture))


def test_a_transplant_done_one_planned_and_one_refused_are_told_apart() -> None:
    facts = (
        procedure("hsct", at=300),
        transplant(day0=-30),
        transplant("no"),
    )
    texts = " ".join(bench.written(bench.of_chart(chart(*facts))))

    assert f"done {TODAY - timedelta(300)}" in texts
    assert f"planned for {TODAY + timedelta(30)}" in texts
    assert "said not to be intended" in texts


def test_conditioning_drugs_have_rows_of_their_own() -> None:
    ordered = order_on_file("busulfan", when=-5, days=(TODAY + timedelta(5),))
    picture = bench.of_chart(chart(ordered, order_on_file("amlodipine", when=1)))

    assert "busulfan" in bench.written(picture)
    assert "amlodipine" not in bench.written(picture)


def test_responses_are_written_beside_their_day() -> None:
    picture = bench.of_chart(chart(response(3, remission=True, mrd_negative=False)))

    assert "remission, MRD positive" in bench.written(picture)


# ---------------------------------------------------------------- results


def test_a_result_without_a_limit_keeps_its_day_and_gets_a_question_mark() -> None:
    picture = bench.of_chart(chart(lab("total-bilirubin", "1.9 mg/dL", at=2)))
    (line,) = bench.lines(picture, "Liver")

    assert line.about == "no reference range, no multiple of ULN"
    assert "1.9 mg/dL" in bench.written(picture)
    assert "?" in bench.written(picture)


def test_a_preliminary_result_is_hollow() -> None:
    picture = bench.of_chart(chart(lab("platelets", "40 10*9/L", status="preliminary")))
    marks = bench.named(picture, "course-mark")

    assert ["course-hollow" in each.get("class", "") for each in marks] == [True]
    assert bench.lines(picture, "Platelets")[0].about == "preliminary"


def test_an_unreadable_result_is_said_to_be() -> None:
    problem = Unknown("platelets", Reason.UNREADABLE)
    picture = bench.of_chart(chart(lab("platelets", None, problem=problem)))
    (line,) = bench.lines(picture, "Platelets")

    assert (line.value, line.about) == ("?", "unreadable resource")
    assert "?" in bench.written(picture)


def test_a_result_without_a_date_is_written_below_its_panel() -> None:
    picture = bench.of_chart(chart(lab("platelets", "40 10*9/L", at=None)))

    assert "no date: platelets 40 10*9/L" in bench.written(picture)


def test_a_value_below_what_can_be_measured_is_drawn_as_a_span() -> None:
    picture = bench.of_chart(chart(lab("total-bilirubin", "<0.2 mg/dL", uln="1.2 mg/dL")))

    assert len(bench.named(picture, "course-whisker")) == 1
    assert bench.lines(picture, "Liver")[0].value == "<0.2 mg/dL"


def test_an_empty_panel_says_nothing_found() -> None:
    picture = bench.of_chart(chart())

    assert bench.written(picture).count("nothing found") == 5
    assert [section.notes for section in picture.text[1:]] == [("nothing found",)] * 4


def test_a_search_that_failed_is_not_nothing_found() -> None:
    picture = bench.of_chart(with_gaps(chart(), "observations"))

    assert "QTc: search failed" in bench.written(picture)
    assert bench.written(picture).count("nothing found") == 1


def test_a_search_not_read_to_its_end_is_said_below_what_was_found() -> None:
    found = chart(lab("platelets", "40 10*9/L"))
    picture = bench.of_chart(with_gaps(found, "observations", reason=Reason.TRUNCATED))

    assert "Platelets: more pages unread" in bench.written(picture)
    assert len(bench.lines(picture, "Platelets")) == 1


def test_panels_that_nobody_asked_for_are_left_out() -> None:
    titles = [section.title for section in bench.of_fixture("jana-after-transplant").text]

    assert titles == ["Treatment", "Liver"]


def test_values_far_above_the_limits_leave_the_limits_apart() -> None:
    """
    ALT at 40 × ULN must not press 1.0 and 1.5 into one line.
    """
    picture = bench.of_chart(chart(lab("alt", "1600 U/L", uln="40 U/L")))
    heights = sorted(float(each.get("y1", "")) for each in bench.named(picture, "course-limit"))[
        -3:
    ]

    one, half, more = heights[-1], heights[-2], heights[-3]
    assert one - half >= 5
    assert half - more >= 5


def test_words_keep_off_the_line_of_today_and_off_the_line_of_a_series() -> None:
    picture = bench.of_fixture("dana-held-for-liver-toxicity")
    (today,) = bench.named(picture, "course-today")
    at = Fraction(today.get("x1", ""))
    labels = [*bench.named(picture, "course-mark-label"), *bench.named(picture, "course-place")]
    beside = [each for each in labels if each.text != "C2D1"]

    boxes = [_box(each) for each in beside]

    assert len(boxes) > 5
    assert not [each for each in boxes if each.left < at < each.right]
    lines = [
        tuple(Fraction(each.get(end, "")) for end in ("x1", "y1", "x2", "y2"))
        for each in bench.named(picture, "course-line")
    ]
    marks = [_box(each) for each in bench.named(picture, "course-mark-label")]
    assert not [box for box in marks for line in lines if _runs_through(line, box)]


def _box(element: Element) -> Box:
    """The paper that a text takes."""
    x, y = Fraction(element.get("x", "")), Fraction(element.get("y", ""))
    anchor = element.get("text-anchor")
    spot = Spot(x, y, "middle" if anchor == "middle" else "end" if anchor == "end" else "start")
    return box_of(element.text or "", spot, WIDE.size)


def _runs_through(line: tuple[Fraction, ...], box: Box) -> bool:
    x1, y1, x2, y2 = line
    points = ((x1 + (x2 - x1) * n / 200, y1 + (y2 - y1) * n / 200) for n in range(201))
    return any(box.left < x < box.right and box.top < y < box.bottom for x, y in points)


# ---------------------------------------------------------------- time


def test_three_years_and_ten_days_both_name_today() -> None:
    for first in (1100, 10):
        picture = bench.of_chart(chart(*doses(*range(first, 0, -max(first // 20, 1)))))
        assert "22 Nov" in bench.written(picture)


def test_a_long_empty_stretch_is_cut_short_and_said() -> None:
    picture = bench.of_chart(chart(procedure("hsct", at=700), *doses(21, 14, 7)))

    assert any("22 months" in text for text in bench.written(picture))


@given(st.lists(st.dates(), max_size=30), st.dates())
def test_days_keep_their_order_and_stay_on_the_paper(days: list[date], today: date) -> None:
    scale = TimeScale(days, today, 100, 500)
    places = [scale.x(each) for each in sorted({*days, today})]

    assert places == sorted(places)
    assert len(set(places)) == len(places)
    assert all(100 <= each <= 500 for each in places)


@given(st.lists(st.dates(), max_size=30), st.dates())
def test_dates_under_the_axis_keep_apart(days: list[date], today: date) -> None:
    ticks = TimeScale(days, today, 100, 500).ticks(60, today)

    assert today in [each.day for each in ticks]
    assert all(other.x - one.x >= 60 for one, other in pairwise(ticks))


# ---------------------------------------------------------------- any chart at all

_AMOUNTS = ("0", "0.00001", "1", "7.5", "250", "9" * 25, "<0.2", ">4000")
_DAYS = st.one_of(st.none(), st.integers(-60, 1500), st.sampled_from(["2024", "2025-03"]))


@st.composite
def results(draw: st.DrawFn) -> object:
    analyte = draw(st.sampled_from(sorted(_PANEL_ANALYTES)))
    unit = {"total-bilirubin": "mg/dL", "alt": "U/L", "ast": "U/L"}.get(analyte, "")
    unit = unit or ("ms" if analyte.startswith("qtc") else "10*9/L")
    number = draw(st.sampled_from(_AMOUNTS))
    value = draw(st.sampled_from([f"{number} {unit}", f"{number} furlongs", None]))
    uln = draw(st.sampled_from([None, f"1.2 {unit}", f"0 {unit}", f"90000 {unit}"]))
    status = draw(st.sampled_from(["final", "preliminary"]))
    return lab(analyte, value, uln=uln, at=draw(_DAYS), status=status)


@st.composite
def uses(draw: st.DrawFn) -> object:
    when = draw(_DAYS)
    if draw(st.booleans()):
        return draft(when=when if isinstance(when, int) else None)
    return dose(when, status=draw(st.sampled_from(["completed", "not-done", "in-progress"])))


_FACTS = st.lists(
    st.one_of(
        results(),
        uses(),
        st.builds(lambda when: transplant(day0=when), _DAYS),
        st.builds(lambda when: procedure("hsct", at=when), _DAYS),
        st.builds(lambda when: response(when, remission=True), _DAYS),
    ),
    max_size=25,
)


@both_layouts
@given(facts=_FACTS)
def test_any_chart_is_drawn_within_its_view_box(facts: list[object], layout: Layout) -> None:
    whole = chart(*facts)
    picture = bench.of_chart(whole, layout=layout)
    width, height = bench.size(picture)

    assert all(0 <= x <= width and 0 <= y <= height for x, y in bench.coordinates(picture))
    told = [line.source for section in picture.text[1:] for line in section.lines]
    assert sorted(told) == sorted(each.source.reference for each in whole.labs)
    given_days = View(whole, terminology(), regimens()).doses(INO).doses
    done = [
        line
        for line in bench.lines(picture, "Treatment")
        if line.what == "inotuzumab ozogamicin" and re.match(r"done\b", line.about)
    ]
    assert len([line for line in done if line.date != "no date"]) == len(given_days)


@given(st.text(max_size=40))
def test_whatever_a_unit_says_stays_text(words: str) -> None:
    value = lab("platelets", "40 10*9/L").value
    assert value is not None
    odd = type(value)(value.value, words, f"40 {words} <script>alert(1)</script>")
    picture = bench.of_chart(chart(replace(lab("platelets", "40 10*9/L"), value=odd)))

    assert {each.tag for each in bench.tree(picture).iter()} <= {f"{bench.SVG}{t}" for t in _TAGS}
