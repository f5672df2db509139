"""Whatever stands in a chart, a card shows it and it does nothing."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cds_service.cards import text
from cds_service.cards.text import (
    clipped,
    disarmed,
    escaped,
    flat,
    is_harmless,
    plain,
    shortened,
    units,
)
from tests.rule_builders import fires, reading, rule, the_card
from tests.wire_rules import BARE_LINK, MARKDOWN, every_token

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](https://evil.example/a.png)",
    "<https://evil.example>",
    "http://evil.example/a?b=c",
    "www.evil.example",
    "someone@evil.example",
    "`code` ```",
    "| a | b |\n|---|---|\n| c | d |",
    "# heading",
    "- item",
    "+ item",
    "1. item",
    "1)",
    "===",
    "---",
    ":-",
    "> quote",
    "    indented",
    "\tindented",
    "*bold* **bolder** _em_ ~~gone~~",
    "&lt;img src=x&gt; &#60;b&#62;",
    "\\<b\\>",
    "[ref]: https://evil.example",
    "[^1]",
    "a\n\n# b",
    "a\u2028# b",
    "\u202egnp.exe",
    "\x00\x1b[31m",
]

CHART_TEXT = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from([*HOSTILE, *"<>[]()`*_~|#&:.@!\\-+=1 \n\tab", "://", "www.", "x@y.z"]),
        max_size=12,
    ).map("".join),
)

INERT = {"paragraph_open", "paragraph_close", "inline", "text", "text_special"}
FRAMES = [
    "{{ a.label }}",
    "Drug {{ a.label }} given",
    "{{ a.label }}{{ a.label }}",
    "x\n{{ a.label }}",
]


def shown(text: str) -> str:
    """What a reader sees of the escaped text, without the breaks in addresses."""
    tokens = every_token(MARKDOWN.parse(escaped(text)))
    return "".join(token.content for token in tokens if token.type == "text").replace("\u200b", "")


@pytest.mark.parametrize("frame", FRAMES)
@given(label=CHART_TEXT)
@example("1.\u00a0x")
def test_chart_text_makes_nothing_but_text(frame, label):
    detail = the_card(fires(rule(detail=frame), a=reading(label=label))).detail
    body = detail.rpartition("Source:")[0]

    tokens = list(every_token(MARKDOWN.parse(body)))

    assert {token.type for token in tokens} <= INERT | {"softbreak"}
    assert not BARE_LINK.search("".join(token.content for token in tokens if token.type == "text"))
    assert not re.search(r"<[A-Za-z/!?]", body)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_reader_still_sees_what_the_chart_says(text):
    assert shown(text) == plain(text)


WORDS = st.lists(
    st.sampled_from([*"aWw19.,:/()-+=' ×é\u0301", "www", "ww", "1.", "12)", " - ", "://"]),
    max_size=10,
).map("".join)


@given(st.one_of(CHART_TEXT, WORDS))
@example("www.evil.example")
@example("awww.evil.example")
@example("wwww.evil.example")
@example("1.")
@example("1) first")
@example("a  b")
@example("a ")
def test_a_text_taken_for_harmless_would_not_be_changed(text):
    """
    The look that spares most texts the escaping lets none through that needs it.
    """
    assert escaped(text) == disarmed(plain(text))
    if is_harmless(text):
        assert plain(text) == text
        assert not {"<", "]"} & set(text)


@pytest.mark.parametrize(
    "text", ["1.9 mg/dL", "total bilirubin", "2026-11-19", "none in the last 7 days (2 of 3)"]
)
def test_what_most_charts_say_is_harmless(text):
    assert is_harmless(text)


@given(CHART_TEXT)
def test_nothing_visible_is_lost(text):
    assert shown(text).split() == plain(text).split()


@pytest.mark.parametrize(
    "text",
    [
        "inotuzumab ozogamicin",
        "1.9 mg/dL",
        "<0.2 mg/dL",
        "< 0.2 mg/dL",
        "5-fluorouracil (IV)",
        "A & B",
    ],
)
def test_ordinary_words_stay_as_they_are(text):
    assert escaped(text) == text


@given(CHART_TEXT)
def test_a_summary_is_one_printable_line_without_markup(text):
    line = flat(text)

    assert line.isprintable()
    assert "](" not in line
    assert not re.search(r"<[A-Za-z/!?]", line)


@given(st.text(), st.integers(min_value=2, max_value=150))
def test_a_clipped_text_fits(text, limit):
    assert units(clipped(text, limit)) <= limit
    assert clipped(text, limit) == text or clipped(text, limit).endswith("…")


def test_text_is_clipped_at_a_word():
    assert clipped("dexamethasone sodium phosphate", 26) == "dexamethasone sodium…"


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (60, "ondansetron, fluconazole, amiodarone and haloperidol"),
        (45, "ondansetron, fluconazole and 2 more"),
        (30, "ondansetron and 3 more"),
        (20, "ondanset… and 3 more"),
    ],
)
def test_a_long_list_says_how_many_more(limit, words):
    drugs = ("ondansetron", "fluconazole", "amiodarone", "haloperidol")

    assert shortened(drugs, limit) == words


def test_a_list_without_end_is_not_tried_at_every_length(monkeypatch):
    measured = []
    monkeypatch.setattr(text, "units", lambda said: measured.append(said) or len(said))

    assert shortened(("a",) * 2000, 30) == "a, a, a, a, a, a and 1994 more"
    assert len(measured) < 20
