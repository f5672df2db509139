"""What a rule's templates may say, and how they are filled.

A template sees the clauses of the variant that speaks, by name, each with the words its answer
shows; ``p``, the rule's parameters; ``evidence``, the facts it cites; ``hook`` and ``profile``.
Anything else is an error: a card never prints an empty hole. Whatever an expression yields is made
harmless when it is printed, not before, so a filter or a joined list cannot let markup through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from jinja2 import StrictUndefined, Template, TemplateError, pass_context
from jinja2.filters import do_capitalize, do_lower
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

from cds_service.cards.filling import NotPlainError, Parts, fill, parts_of
from cds_service.cards.once import once
from cds_service.cards.text import clipped, escaped, flat, is_harmless, shortened, units
from cds_service.cards.words import ClauseWords, Names, OurText, Words, plain_number, printed
from cds_service.engine.verdict import Verdict
from cds_service.errors import CDSServiceError
from cds_service.facts.cheap import cheap_dataclass
from cds_service.rulebook.model import Rule, Variant

SUMMARY_LIMIT = 139
"""CDS Hooks asks for fewer than 140 characters; counted in UTF-16 units, the stricter way."""

_VALUE_LIMIT = 1000
_BUDGETS = (SUMMARY_LIMIT, 90, 70, 55, 45, 38, 32, 26, 20, 16)
_MEASURED = re.compile(r"[<>≤≥]?=? ?\d")
_MEASURED_LIMIT = 40
_SHORT = _VALUE_LIMIT // 2
"""So many characters are within the limit whatever they are."""
_EMPTY_LINES = re.compile(r"\n{3,}")
_ONE_AMOUNT = re.compile(r"(\d+(?:\.\d+)?) ([^\s\d]\S*)")
_FAULTS = (
    TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
"""What a template, or a value it prints, may lead to."""
_BUDGET = "summary budget"  # holds a space, so no clause can be called so


class CardTextError(CDSServiceError):
    """A rule's template cannot be filled: it names something the speaking variant does not show."""

    def __init__(self, rule_id: str, why: str) -> None:
        super().__init__(f"{rule_id}: the card's text cannot be made: {why}")
        self.rule_id = rule_id


@cheap_dataclass(frozen=True, slots=True)
class Spoken:
    """The words of a firing rule: plain summary, markdown detail."""

    summary: str
    detail: str


class _Prepared(NamedTuple):
    """What a rule says in every call, and the trees of a variant's templates.

    A tree is None where only Jinja can fill the template.
    """

    own: Mapping[str, Words]
    summary: Parts | None
    detail: Parts | None


class _Undefined(StrictUndefined):
    """Says which words there are when a template asks for another."""

    @property
    def _undefined_message(self) -> str:
        if isinstance(self._undefined_obj, Words):
            words = ", ".join(sorted(self._undefined_obj))
            return f'no word "{self._undefined_name}"; there is: {words}'
        return super()._undefined_message


def speak(verdict: Verdict, *, hook: str, profile: str) -> Spoken:
    """Fill the templates of the variant that speaks.

    Raises:
        CardTextError: when a template names what is not there or prints what has no words.
        ValueError: when the rule does not fire.
    """
    if verdict.speaking is None:
        raise ValueError(f"{verdict.rule.id} does not fire, so it has no card")
    rule, speaking = verdict.rule, verdict.speaking
    card, prepared = speaking.variant.card, _prepared(rule, speaking.variant)
    names: dict[str, object] = {each.clause.name: ClauseWords(each) for each in speaking.clauses}
    names |= prepared.own
    names |= {"hook": hook, "profile": profile}
    try:
        return Spoken(
            _summary(card.summary, prepared.summary, names),
            _detail(card.detail, prepared.detail, names),
        )
    except _FAULTS as error:
        raise CardTextError(rule.id, _without_values(error)) from None


def prepare(rule: Rule) -> None:
    """Read the rule's templates now, not when it first fires."""
    for variant in rule.variants:
        _prepared(rule, variant)


@once
def _prepared(rule: Rule, variant: Variant) -> _Prepared:
    own, card = _own_words(rule), variant.card
    return _Prepared(
        own,
        _plain(card.summary, _FOR_SUMMARY, own, _short_always),
        _plain(card.detail, _FOR_DETAIL, own, _for_detail),
    )


@once
def _plain(
    source: str,
    environment: SandboxedEnvironment,
    own: Mapping[str, Words],
    as_printed: Callable[[object], object],
) -> Parts | None:
    """The tree of the template, in which what the rule says of its own is text already."""

    def fixed(name: str, word: str) -> str | None:
        try:
            text = as_printed(own[name][word])
        except _FAULTS:
            return None
        return text if isinstance(text, str) else None

    try:
        return parts_of(environment.parse(_readable(source)), _PLAIN_FILTERS, fixed)
    except (TemplateError, NotPlainError):
        return None


def _short_always(value: object) -> str | None:
    """How it is printed in a summary, if that is short enough never to give way."""
    text = _short(value, SUMMARY_LIMIT)
    return text if units(text) <= _BUDGETS[-1] else None


def _detail(source: str, plain: Parts | None, names: dict[str, object]) -> str:
    """The paragraphs, with one empty line between two of them."""
    text = _detail_of(plain, names) if plain else None
    if text is None:
        text = _filled(source, _FOR_DETAIL, names)
    return _EMPTY_LINES.sub("\n\n", text) if "\n\n\n" in text else text


def _detail_of(plain: Parts, names: dict[str, object]) -> str | None:
    """The same as Jinja fills it, None where it may have something to say against it."""
    try:
        pieces, values = fill(plain, names)
        for place in values:
            value = pieces[place]
            if type(value) is not str or len(value) > _SHORT or not is_harmless(value):
                pieces[place] = _for_detail(value)
        return "".join(pieces)  # type: ignore[arg-type]  # Whatever is no text yet, join refuses.
    except _FAULTS:
        return None


def _without_values(error: Exception) -> str:
    """Messages of the template engine name words only; others may quote the chart."""
    return str(error) if isinstance(error, TemplateError) else type(error).__name__


@once
def _own_words(rule: Rule) -> Mapping[str, Words]:
    """What the rule says whatever the chart holds: its parameters and the facts it cites."""
    numbers = {each.name: each.value for each in rule.parameters.values()}
    cited = {id_: OurText(str(fact)) for id_, fact in rule.evidence.items()}
    return {"p": Words(numbers), "evidence": Words(cited)}


def _summary(source: str, plain: Parts | None, names: dict[str, object]) -> str:
    """The sentence, at most 139 characters long: what the chart adds gives way first."""
    text = _summary_of(plain, names) if plain else None
    if text is not None:
        return text
    return _within(lambda budget: _filled(source, _FOR_SUMMARY, {**names, _BUDGET: budget}))


def _summary_of(plain: Parts, names: dict[str, object]) -> str | None:
    """The same as Jinja fills it, None where it may have something to say against it."""
    try:
        pieces, values = fill(plain, names)
        said = pieces.copy()

        def filled(budget: int) -> str:
            for place in values:
                said[place] = _short(pieces[place], budget)
            return "".join(said)  # type: ignore[arg-type]  # Whatever is no text, join refuses.

        return _within(filled)
    except _FAULTS:
        return None


def _within(filled: Callable[[int], str]) -> str:
    """The first of ever shorter fillings that is short enough."""
    text = ""
    for budget in _BUDGETS:
        text = " ".join(filled(budget).split())
        if units(text) <= SUMMARY_LIMIT:
            return text
    return clipped(text, SUMMARY_LIMIT)


def _for_detail(value: object) -> object:
    if isinstance(value, OurText):
        return value.markdown
    if isinstance(value, StrictUndefined):
        return value
    text = printed(value)
    return _lead(text) + escaped(clipped(text, _VALUE_LIMIT))


def _lead(text: str) -> str:
    """The one space that a word such as ``uln_from`` brings to stand apart from the last one."""
    return " " if text[:1].isspace() and text.strip() else ""


@pass_context
def _for_summary(context: Context, value: object) -> object:
    return value if isinstance(value, StrictUndefined) else _short(value, context[_BUDGET])


def _short(value: object, budget: int) -> str:
    if isinstance(value, Names):
        return shortened(tuple(flat(name) for name in value), budget)
    text = printed(value)
    return _lead(text) + _fitted(flat(text), budget)


def _fitted(text: str, budget: int) -> str:
    """Within the budget; a number with its unit and date is never cut for others to fit."""
    if units(text) <= budget or (_MEASURED.match(text) and units(text) <= _MEASURED_LIMIT):
        return text
    if ", " in text and " and " in text:  # a list as `listed` words it, not a name with a comma
        return shortened(tuple(text.replace(" and ", ", ").split(", ")), budget)
    return clipped(text, budget)


def _join_and(values: Sequence[object]) -> Names:
    """``{{ drugs.names | join_and }}``: the list as words, each once."""
    if isinstance(values, str):
        return Names((values,))
    return Names(dict.fromkeys(printed(value) for value in values))


def _times(value: object) -> str:
    """``{{ bilirubin.times | times }}``: a multiple, ``1.5 ×``."""
    return f"{printed(value)} ×"


def _count_of(value: object, one: str, many: str = "") -> str:
    """``{{ exposure.cycles | count_of("cycle") }}``: ``1 cycle``, ``3 cycles``."""
    count = printed(value)
    return f"{count} {one if count == '1' else many or one + 's'}"


def _of(multiple: Fraction, limit: str) -> str:
    """``{{ p.bilirubin_limit | of(bilirubin.uln) }}``: the threshold in the result's own unit."""
    found = _ONE_AMOUNT.fullmatch(limit)
    if not found:
        return f"{printed(multiple)} × {limit}"
    return f"{plain_number(multiple * Fraction(found[1]))} {found[2]}"


_FILTERS: Mapping[str, Callable[..., object]] = {
    "join_and": _join_and,
    "times": _times,
    "count_of": _count_of,
    "of": _of,
}


def _of_text(work: Callable[[str], str]) -> Callable[[object], str]:
    """A filter of Jinja for texts; what it makes of anything else, it makes alone."""

    def on_text(value: object) -> str:
        if not isinstance(value, (str, Names)):
            raise TypeError("not a text")
        return work(str(value))

    return on_text


_PLAIN_FILTERS: Mapping[str, Callable[..., object]] = {
    **_FILTERS,
    "capitalize": _of_text(do_capitalize),
    "lower": _of_text(do_lower),
}
"""Those that need nothing but what is before them."""


class _Sandbox(SandboxedEnvironment):
    """Behind a name of ours a template finds words and nothing else: no attribute, no global."""

    def __init__(self, finalize: Callable[..., object]) -> None:
        super().__init__(
            undefined=_Undefined,
            finalize=finalize,
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.filters |= _FILTERS

    def getattr(self, obj: object, attribute: str) -> object:
        """A word of ours; of anything else what the sandbox allows."""
        if not isinstance(obj, Words):
            return super().getattr(obj, attribute)
        try:
            return obj[attribute]
        except LookupError:
            return self.undefined(obj=obj, name=attribute)

    def make_globals(self, d: object) -> dict[str, object]:
        """None."""
        return {}


_WORDS_THEN_BLOCK = re.compile(r"^([ \t]*(?!\{%)\S.*[^+-])%\}$", re.MULTILINE)
"""A line of words that ends in a block: its line break is not the block's to trim."""

_FOR_SUMMARY = _Sandbox(_for_summary)
_FOR_DETAIL = _Sandbox(_for_detail)


@lru_cache(maxsize=1024)
def _compiled(source: str, environment: SandboxedEnvironment) -> Template:
    return environment.from_string(_readable(source))


def _readable(source: str) -> str:
    """The template as Jinja is to read it."""
    return _WORDS_THEN_BLOCK.sub(r"\1+%}", source)


def _filled(source: str, environment: SandboxedEnvironment, names: dict[str, object]) -> str:
    """The template as text; it may look at ``names`` and does not change them."""
    template = _compiled(source, environment)
    return "".join(template.root_render_func(template.new_context(names, shared=True)))
