"""A quick look before the patterns changes nothing of what they find."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cds_service.facts.cheap import kept
from cds_service.facts.extract import dosage, infusion, leukaemia_words, lines, order_text, words
from cds_service.facts.extract.dose_text import dose_in_words
from cds_service.terminology.text import words_of
from tests.test_extract_infusion import drafted

ANY_TEXT = st.text(max_size=40)
PHRASES = st.lists(
    st.sampled_from(
        [
            *("allo", "HSCT", "SCT", "stem cell", "transplant", "Transplantation", "candidate"),
            *("no", "planned", "refused", "kidney", "first", "2nd", "line", "of therapy", "LINE"),
            *("salvage", "3", "Cycle 2", "C2D8", "day", "٣", "Ph+", "BCR-ABL1", "t(9;22)"),
            *(
                "Ph-like",
                "lymphoblastic",
                "relapsed",
                "refractory",
                "negative",
                "\u017falvage",
                "\u017fct",
            ),
            *(".", ",", "-", "\n", "\t", "  ", "\u00a0", "\u2028", "\x1c", "\u00df", "\u0130"),
        ]
    ),
    max_size=8,
)
TEXTS = PHRASES.map(" ".join) | PHRASES.map("".join) | ANY_TEXT


def slowly_tidied(text: str) -> str:
    lines_of = (" ".join(line.split()) for line in text[: 4 * words.MAX_LENGTH].splitlines())
    return ". ".join(filter(None, lines_of))[: words.MAX_LENGTH]


@given(TEXTS)
@example("")
@example("  a  b ")
@example(" " * words.MAX_LENGTH + "a")
@example("a " * words.MAX_LENGTH)
@example("a" * (words.MAX_LENGTH + 1))
def test_a_text_that_is_tidy_stays_as_it_is(text: str) -> None:
    assert words.tidy(text) == slowly_tidied(text)


@given(TEXTS, st.sampled_from(["sct", "line", "salvage", "k"]))
def test_what_a_pattern_finds_whatever_its_case_the_quick_look_does_not_rule_out(
    text: str, piece: str
) -> None:
    if re.search(piece, text, re.IGNORECASE):
        assert words.may_hold(text, piece)


def test_a_plain_text_without_the_pieces_is_ruled_out() -> None:
    assert not words.may_hold("Cycle 2 of the protocol", "line", "salvage")


@pytest.mark.parametrize(
    ("module", "name", "read"),
    [
        (words, "may_hold", lambda text: words.transplant_stance([text])),
        (lines, "may_hold", lines.stated_line),
    ],
)
@given(text=TEXTS)
def test_with_and_without_the_quick_look_the_same_is_read(
    module: object, name: str, read: object, text: str
) -> None:
    assert callable(read)
    quick = read(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, lambda *_: True)
        assert read(text) == quick


@given(TEXTS)
def test_a_leukaemia_is_told_the_same_without_the_quick_look(text: str) -> None:
    quick = leukaemia_words.leukaemia_words([text])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leukaemia_words, "_ANY", re.compile(""))
        assert leukaemia_words.leukaemia_words([text]) == quick


@given(TEXTS)
def test_cycle_and_day_are_told_the_same_without_the_quick_look(text: str) -> None:
    quick = order_text.stated_place([text])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order_text, "_DIGIT", re.compile(""))
        assert order_text.stated_place([text]) == quick


ORDER_TEXTS = st.lists(
    st.sampled_from(
        [
            *("1.4 mg", "0,5 mg/m2", "0.8 mg / m²", "in 50 mL", "50 ML bag", "of", "NS", "at"),
            *("25 mL/h", "over 1 hour", "OVER 60 min", "and 5 min", "1-hour", "infusion", "IV"),
            *("mixed with", "dexamethasone", "syringe", "vial", ",", ".", "-", "/", "x"),
        ]
    ),
    max_size=8,
).map(" ".join)


@given(ORDER_TEXTS)
def test_an_infusion_is_told_the_same_without_the_quick_look(text: str) -> None:
    quick = drafted({"text": text}).infusion
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(infusion, "may_hold", lambda *_: True)
        assert drafted({"text": text}).infusion == quick


@given(ORDER_TEXTS)
def test_a_dose_per_square_metre_is_told_the_same_beside_a_stroke(text: str) -> None:
    assert dose_in_words([text], "dose-per-m2") == dose_in_words([text, "/ mg"], "dose-per-m2")


@given(st.text(st.characters(max_codepoint=127)))
def test_the_words_of_a_plain_text_are_those_it_has_beside_another(text: str) -> None:
    assert words_of(f"{text} \u00e9") == (*words_of(text), "e")


@pytest.mark.parametrize("words", sorted(dosage._USUAL_ROUTES))
def test_the_usual_routes_are_not_local(words: str) -> None:
    assert not dosage._LOCAL_WORDS.search(words)


def test_what_is_kept_is_worked_out_once_for_each_holder() -> None:
    class Holder:
        @kept
        def place(self) -> object:
            """Where it is."""
            return object()

    one, other = Holder(), Holder()

    assert one.place is one.place
    assert one.place is not other.place
    assert Holder.__dict__["place"].__doc__ == "Where it is."
