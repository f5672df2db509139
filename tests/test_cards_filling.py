"""Templates filled by our own steps read as Jinja fills them."""

from __future__ import annotations

from fractions import Fraction
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2.sandbox import SandboxedEnvironment

from cds_service.cards import templates
from cds_service.cards.filling import Parts
from cds_service.cards.templates import SUMMARY_LIMIT, Spoken, speak
from cds_service.cards.words import ClauseWords, OurText, Words
from cds_service.engine.verdict import ClauseVerdict, Verdict
from cds_service.facts.answers import Answer, Later, Question, Reading
from cds_service.rulebook.cases import run
from cds_service.rulebook.model import Case, Clause, Rule
from tests.test_rules_all import every_rule, judge_case

OURS = Words({"limit": Fraction(3, 2), "none": None})
CITED = Words({"INO-EVD-01": OurText("VOD came *often* (label).")})
OWN = {"p": OURS, "evidence": CITED}

VALUES = st.one_of(
    st.text(max_size=30),
    st.text("ab ,*<[]", max_size=1200),
    st.sampled_from(["ALT", " (their limit)", "1.5 mg/dL", "a, b and c", "", "<0.2 mg", "x" * 200]),
    st.lists(st.text(max_size=60), max_size=4),
    st.lists(st.fixed_dictionaries({"name": st.text(max_size=9)}), max_size=3),
    st.fixed_dictionaries({"name": st.text(max_size=9)}),
    st.booleans(),
    st.integers(-5, 5),
    st.fractions(max_denominator=9),
    st.none(),
)
WORDS = ("text", "name", "names", "all", "items", "uln")
SHOWN = st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=5)

EXPRESSIONS = st.sampled_from(
    [
        *(f"lab.{word}" for word in WORDS),
        'lab["text"]',
        "each.name",
        "p.limit",
        "p.none",
        "p.other",
        'evidence["INO-EVD-01"]',
        'evidence["INO-EVD-02"]',
        "lab.names | join_and",
        "lab.name | capitalize",
        "lab.name | lower",
        "p.limit | times",
        "p.limit | of(lab.uln)",
        'lab.uln | count_of("cycle")',
        'lab.text or "not recorded"',
        "lab.text.upper",
        "lab.text | first",
        "lab",
        "hook",
        "elsewhere.text",
        '"*told*"',
        "loop.index",
    ]
)
TESTS = st.one_of(
    EXPRESSIONS,
    st.sampled_from(
        [
            'profile == "EU"',
            'hook != "order-sign"',
            "lab.uln == 1",
            "lab is defined",
            "elsewhere is defined",
            "not lab.text",
            "lab.text and lab.name",
            "lab.uln > 1",
            "lab.text is defined",
        ]
    ),
)
SOURCES = st.recursive(
    st.one_of(
        st.sampled_from(["ALT is ", " ", "\n", "\n\n\n", "- ", "*not* ours <b>", ".\n"]),
        EXPRESSIONS.map(lambda said: f"{{{{ {said} }}}}"),
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map("".join),
        st.tuples(TESTS, inner, inner).map(
            lambda each: f"{{% if {each[0]} %}}{each[1]}{{% else %}}\n{each[2]}{{% endif %}}\n"
        ),
        st.tuples(TESTS, inner, TESTS, inner).map(
            lambda each: (
                f"{{% if {each[0]} %}}{each[1]}{{% elif {each[2]} %}}{each[3]}{{% endif %}}"
            )
        ),
        st.tuples(st.sampled_from(["lab.all", "lab.items", "lab.name"]), inner).map(
            lambda each: f"{{% for each in {each[0]} %}}\n- {each[1]}\n{{% endfor %}}\n"
        ),
    ),
    max_leaves=8,
)


def names(*shown: dict[str, object], later: bool = False) -> dict[str, object]:
    question = Question("lab")
    readings = tuple(
        Reading({}, Later(partial(dict, words)) if later else words) for words in shown
    )
    clause = ClauseVerdict(
        Clause("lab", question, ()), True, Answer(question, readings), holding=readings
    )
    return {"lab": ClauseWords(clause), **OWN, "hook": "order-sign", "profile": "EU"}


def by_jinja(source: str, environment: SandboxedEnvironment, given: dict[str, object]) -> str:
    """What Jinja fills in, empty where it refuses."""
    try:
        return templates._filled(source, environment, given)
    except templates._FAULTS:
        return ""


@given(SOURCES, st.lists(SHOWN, min_size=1, max_size=3), st.booleans())
def test_any_detail_that_we_fill_reads_as_jinja_fills_it(source, shown, later):
    found = names(*shown, later=later)
    plain = templates._plain(source, templates._FOR_DETAIL, OWN, templates._for_detail)
    filled = templates._detail_of(plain, found) if plain else None

    if filled is not None:
        assert filled == by_jinja(source, templates._FOR_DETAIL, found)


@given(SOURCES, st.lists(SHOWN, min_size=1, max_size=3))
def test_any_summary_that_we_fill_reads_as_jinja_fills_it(source, shown):
    found = names(*shown)
    plain = templates._plain(source, templates._FOR_SUMMARY, OWN, templates._short_always)
    filled = templates._summary_of(plain, found) if plain else None

    if filled is not None:
        whole = by_jinja(source, templates._FOR_SUMMARY, found | {templates._BUDGET: SUMMARY_LIMIT})
        assert bool(filled) == bool(whole.split())
        assert filled == templates._summary(source, None, found)


def fired(rule: Rule) -> list[tuple[Verdict, Case]]:
    """The verdicts of the rule's own cases in which it fires."""
    found: list[tuple[Verdict, Case]] = []

    def keep(verdict: Verdict, case: Case) -> str:
        found.append((verdict, case))
        return ""

    for case in rule.cases:
        run(rule, case, judge_case(), keep)
    return found


@pytest.mark.parametrize("rule", every_rule(), ids=lambda rule: rule.id)
def test_every_card_of_the_rulebook_reads_as_jinja_fills_it(rule, monkeypatch):
    cards = fired(rule)
    ours = [spoken(verdict, case) for verdict, case in cards]
    monkeypatch.setattr(templates, "_summary_of", left_to_jinja)
    monkeypatch.setattr(templates, "_detail_of", left_to_jinja)

    assert ours == [spoken(verdict, case) for verdict, case in cards]


@pytest.mark.parametrize("rule", every_rule(), ids=lambda rule: rule.id)
def test_no_card_of_the_rulebook_needs_jinja(rule, monkeypatch):
    monkeypatch.setattr(templates, "_filled", refused)

    for verdict, case in fired(rule):
        assert spoken(verdict, case).detail


def spoken(verdict: Verdict, case: Case) -> Spoken:
    return speak(verdict, hook=case.hook or verdict.rule.hooks[0], profile=case.profile)


def left_to_jinja(plain: Parts, given: dict[str, object]) -> None:
    """As if the template did what only Jinja does."""


def refused(*given: object) -> str:
    raise AssertionError("Jinja is asked")
