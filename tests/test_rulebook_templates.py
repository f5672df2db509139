"""What the lint knows of a template without a chart: its words, and how wide it can grow."""

from __future__ import annotations

from fractions import Fraction

import pytest
from rulebook_files import terminology

from cds_service.cards.templates import SUMMARY_LIMIT as CARDS_LIMIT
from cds_service.cards.words import plain_number
from cds_service.facts.answers import Question
from cds_service.facts.vocabulary import KINDS
from cds_service.rulebook import templates, text_lint
from cds_service.rulebook.model import Clause, Parameter

LAB = Clause("lab", Question("lab", (("analyte", ("alt", "total-bilirubin")),)), ())
DRUGS = Clause("drugs", Question("drugs", (("class", ("qt-known-risk",)),)), ())
ORDER = Clause("order", Question("order", (("substance", "inotuzumab-ozogamicin"),)), ())
LIMIT = Parameter("limit", Fraction(3, 2), "x ULN", "local", "chosen")

WORDS = templates.Words(
    {"lab": LAB, "drugs": DRUGS, "order": ORDER}, {"elsewhere"}, {"limit": LIMIT}
)


def problems(template: str) -> list[str]:
    return list(templates.problems(template, WORDS))


@pytest.mark.parametrize(
    "template",
    [
        "{{ lab.text }} of {{ lab.date }}, {{ lab.times | times }} ULN, {{ p.limit }} {{ hook }}",
        "{{ drugs.names | join_and }}",
        "{% for each in lab.all %}{{ each.name }} {{ loop.index }}{% endfor %}",
        "{% for name, text in lab.all %}{{ name }}{{ text }}{% endfor %}",
        "{% if lab.uln_from %}{{ lab.uln_from }}{% elif profile == 'EU' %}x{% else %}y{% endif %}",
        "{% if elsewhere is defined %}{{ elsewhere.text }}{% endif %}",
        "{% if elsewhere is defined %}{{ elsewhere.text }}{% else %}{{ lab.text }}{% endif %}",
        "{% if lab is defined %}{{ lab.text }}{% else %}{{ elsewhere.text }}{% endif %}",
    ],
)
def test_words_that_the_variant_shows_may_be_printed(template: str) -> None:
    assert problems(template) == []


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ lab.colour }}", 'prints "lab.colour"; lab shows: name, value'),
        ("{{ lab }}", 'prints "lab."'),
        ("{{ bilirubin.text }}", "names: lab, drugs, order, p, evidence, hook, profile."),
        ("{{ elsewhere.text }}", "guard it with {% if elsewhere is defined %}"),
        ("{% if elsewhere is defined %}{% else %}{{ elsewhere.text }}{% endif %}", "guard it"),
        ("{% if elsewhere %}x{% endif %}", "guard it"),
        ("{{ p.limits }}", 'prints the parameter "limits"'),
        ("{{ lab.text | safe }}", 'uses the filter "safe"'),
        ("{% for each in labs.all %}x{% endfor %}", 'names "labs"'),
        ("{{ range(9) }}", 'names "range"'),
        ("{{ 1 +", "is not a template"),
        ("{% set x = 1 %}", 'uses "assign"'),
        ("{% include 'x' %}", 'uses "include"'),
        ("{{ lab.text.upper() }}", 'uses "call"'),
    ],
)
def test_other_words_are_named(template: str, said: str) -> None:
    assert any(said in problem for problem in problems(template)), problems(template)


def test_the_widest_summary_takes_the_longest_name_asked_for() -> None:
    width = templates.widest("{{ lab.name }}", WORDS, terminology())

    assert width == len("total bilirubin")


def test_a_list_of_names_keeps_its_room_and_no_more() -> None:
    assert templates.widest("{{ drugs.names }}", WORDS, terminology()) == templates.ROOM


def test_every_word_of_every_fact_has_a_width() -> None:
    for kind in KINDS.values():
        clause = Clause("x", Question(kind.name), ())
        words = templates.Words({"x": clause}, (), {})
        for word in kind.show:
            assert templates.widest(f"{{{{ x.{word} }}}}", words, terminology()) > 0, word


def test_a_template_that_cannot_be_rendered_has_no_width() -> None:
    assert templates.widest("{{ lab.name / 2 }}", WORDS, terminology()) == 0


def test_the_lint_and_the_cards_know_the_same_limit() -> None:
    assert templates.SUMMARY_LIMIT == CARDS_LIMIT


@pytest.mark.parametrize("number", [Fraction(3, 2), Fraction(14), Fraction(1, 100), Fraction(100)])
def test_the_lint_and_the_cards_print_a_parameter_alike(number: Fraction) -> None:
    assert templates.printed(number) == plain_number(number)


@pytest.mark.parametrize(
    "text",
    ["Above 1.5 × ULN: hold.", "- one\n- two", "ALT < 5, AST > 3", "A | B", "see section 2.3"],
)
def test_plain_markdown_is_fine(text: str) -> None:
    assert list(text_lint.problems(text, one_line=False)) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<br>", "HTML"),
        ("<!-- x -->", "HTML"),
        ("</b>", "HTML"),
        ("| a | b |\n|---|---|", "table"),
        ("a | b\n--- | ---", "table"),
        ("http://example.org", "address"),
        ("[x](https://example.org)", "address"),
        ("www.example.org", "address"),
        ("two\nlines", "one line"),
    ],
)
def test_what_a_card_must_not_hold_is_named(text: str, said: str) -> None:
    assert any(said in problem for problem in text_lint.problems(text, one_line=True))


@pytest.mark.parametrize(
    ("text", "speaks"),
    [
        ("The label says hold.", True),
        ("The US label (2.3) requires it", True),
        ("the label in force asks to hold", True),
        ("Not in the label; project choice.", False),
        ("The label gives no number.", False),
        ("Unlabelled use", False),
    ],
)
def test_who_speaks_for_the_label_is_heard(text: str, speaks: bool) -> None:
    assert text_lint.speaks_for_the_label(text) is speaks
