"""What a rule's templates may say, and how they are filled.

A template sees the clauses of the variant that speaks, by name, each with the words its answer
shows; ``p``, the rule's parameters; ``evidence``, the facts it cites; ``hook`` and ``profile``.
Anything else is an error: a card never prints an empty hole. Whatever an expression yields is made
harmless when it is printed, not before, so a filter or a joined list cannot let markup through.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from jinja2 import StrictUndefined, Template, TemplateError, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

from cds_service.cards.text import clipped, escaped, flat, listed, shortened, units
from cds_service.engine.verdict import ClauseVerdict, VariantVerdict, Verdict
from cds_service.errors import CDSServiceError
from cds_service.facts.answers import Reading
from cds_service.facts.interval import Interval
from cds_service.facts.model import Moment
from cds_service.facts.unknown import Unknown
from cds_service.rulebook.model import Rule

SUMMARY_LIMIT = 139
"""CDS Hooks asks for fewer than 140 characters; counted in UTF-16 units, the stricter way."""

_VALUE_LIMIT = 1000
_BUDGETS = (SUMMARY_LIMIT, 90, 70, 55, 45, 38, 32, 26, 20, 16)
_MEASURED = re.compile(r"[<>≤≥]?=? ?\d")
_MEASURED_LIMIT = 40
_EMPTY_LINES = re.compile(r"\n{3,}")
_ONE_AMOUNT = re.compile(r"(\d+(?:\.\d+)?) ([^\s\d]\S*)")
_BUDGET = "summary budget"  # holds a space, so no clause can be called so


class CardTextError(CDSServiceError):
    """A rule's template cannot be filled: it names something the speaking variant does not show."""

    def __init__(self, rule_id: str, why: str) -> None:
        super().__init__(f"{rule_id}: the card's text cannot be made: {why}")
        self.rule_id = rule_id


@dataclass(frozen=True, slots=True)
class Spoken:
    """The words of a firing rule: plain summary, markdown detail."""

    summary: str
    detail: str


class Words:
    """The words a template finds behind a name: ``bilirubin.text``, ``p.bilirubin_limit``."""

    __slots__ = ("_shown",)

    def __init__(self, shown: Mapping[str, object]) -> None:
        self._shown = shown

    def __getitem__(self, word: str) -> object:
        return _wrapped(self._shown[word])

    def __iter__(self) -> Iterator[str]:
        return iter(self._shown)


class Names(tuple[str, ...]):
    """Several names, printed as ``a, b and c``; a summary shortens them where it must."""

    __slots__ = ()

    def __str__(self) -> str:
        return listed(self)


class _Undefined(StrictUndefined):
    """Says which words there are when a template asks for another."""

    @property
    def _undefined_message(self) -> str:
        if isinstance(self._undefined_obj, Words):
            words = ", ".join(sorted(self._undefined_obj))
            return f'no word "{self._undefined_name}"; there is: {words}'
        return super()._undefined_message


def _wrapped(value: object) -> object:
    if isinstance(value, Mapping):
        return Words(value)
    if isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value):
        return Names(value)
    if isinstance(value, (list, tuple)):
        return tuple(_wrapped(each) for each in value)
    return value


def speak(verdict: Verdict, *, hook: str, profile: str) -> Spoken:
    """Fill the templates of the variant that speaks.

    Raises:
        CardTextError: when a template names what is not there or prints what has no words.
        ValueError: when the rule does not fire.
    """
    if verdict.speaking is None:
        raise ValueError(f"{verdict.rule.id} does not fire, so it has no card")
    names = {**names_of(verdict.rule, verdict.speaking), "hook": hook, "profile": profile}
    card = verdict.speaking.variant.card
    try:
        return Spoken(_summary(card.summary, names), _detail(card.detail, names))
    except (
        TemplateError,
        ArithmeticError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        raise CardTextError(verdict.rule.id, _without_values(error)) from None


def _detail(source: str, names: Mapping[str, object]) -> str:
    """The paragraphs, with one empty line between two of them."""
    return _EMPTY_LINES.sub("\n\n", _template(source, _FOR_DETAIL)(names))


def _without_values(error: Exception) -> str:
    """Messages of the template engine name words only; others may quote the chart."""
    return str(error) if isinstance(error, TemplateError) else type(error).__name__


def names_of(rule: Rule, speaking: VariantVerdict) -> dict[str, object]:
    """Every name a template of this variant may use, except hook and profile."""
    numbers = {each.name: each.value for each in rule.parameters.values()}
    clauses = {each.clause.name: clause_words(each) for each in speaking.clauses}
    cited = {id_: str(fact) for id_, fact in rule.evidence.items()}
    return {**clauses, "p": Words(numbers), "evidence": Words(cited)}


def clause_words(verdict: ClauseVerdict) -> Words:
    """The words of the worst reading that holds, ``all`` of them, and their joined ``names``."""
    readings = worst_first(verdict.holding)
    joined = {"names": _each(readings, "name"), "texts": _each(readings, "text")}
    return Words(
        {
            **{word: said for word, said in joined.items() if said},
            **(readings[0].show if readings else {}),
            "all": [reading.show for reading in readings],
        }
    )


def _each(readings: Sequence[Reading], word: str) -> tuple[str, ...]:
    said = (reading.show.get(word) for reading in readings)
    return tuple(dict.fromkeys(each for each in said if isinstance(each, str)))


def worst_first(readings: Sequence[Reading]) -> list[Reading]:
    """Highest multiple of ULN first; what has none keeps its place after them."""
    return sorted(readings, key=_times_uln, reverse=True)


def _times_uln(reading: Reading) -> Fraction:
    times = reading.fields.get("times_uln")
    if not isinstance(times, Interval):
        return Fraction(-1)
    return times.lo if times.lo is not None else (times.hi or Fraction(0))


def _summary(template: str, names: Mapping[str, object]) -> str:
    """The sentence, at most 139 characters long: what the chart adds gives way first."""
    text = ""
    for budget in _BUDGETS:
        filled = _template(template, _FOR_SUMMARY)({**names, _BUDGET: budget})
        text = " ".join(filled.split())
        if units(text) <= SUMMARY_LIMIT:
            return text
    return clipped(text, SUMMARY_LIMIT)


def printed(value: object) -> str:
    """How a value of a reading or a parameter is written.

    Raises:
        TypeError: for None and for anything else that has no words of its own.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, Decimal, Fraction)):
        return plain_number(Fraction(value))
    if isinstance(value, (str, date, Moment, Names, Unknown)):
        return str(value)
    raise TypeError(f"a {type(value).__name__} has no words for a card")


def plain_number(number: Fraction) -> str:
    """A number as people write it, exact up to six places, else rounded to two: ``1.5``."""
    for places in range(7):
        scaled = number * 10**places
        if scaled.denominator == 1:
            return f"{Decimal(scaled.numerator).scaleb(-places):f}"
    return f"{Decimal(round(number * 100)).scaleb(-2):f}"


def _for_detail(value: object) -> object:
    if isinstance(value, StrictUndefined):
        return value
    text = printed(value)
    return _lead(text) + escaped(clipped(text, _VALUE_LIMIT))


def _lead(text: str) -> str:
    """The one space that a word such as ``uln_from`` brings to stand apart from the last one."""
    return " " if text[:1].isspace() and text.strip() else ""


@pass_context
def _for_summary(context: Context, value: object) -> object:
    if isinstance(value, StrictUndefined):
        return value
    budget = context[_BUDGET]
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


def _environment(finalize: Callable[..., object]) -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        undefined=_Undefined,
        finalize=finalize,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "join_and": _join_and,
        "times": _times,
        "count_of": _count_of,
        "of": _of,
    }
    return environment


_WORDS_THEN_BLOCK = re.compile(r"^([ \t]*(?!\{%)\S.*[^+-])%\}$", re.MULTILINE)
"""A line of words that ends in a block: its line break is not the block's to trim."""

_FOR_SUMMARY = _environment(_for_summary)
_FOR_DETAIL = _environment(_for_detail)


@lru_cache(maxsize=1024)
def _compiled(source: str, environment: SandboxedEnvironment) -> Template:
    return environment.from_string(_WORDS_THEN_BLOCK.sub(r"\1+%}", source))


def _template(
    source: str, environment: SandboxedEnvironment
) -> Callable[[Mapping[str, object]], str]:
    return _compiled(source, environment).render
