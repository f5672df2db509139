"""The shapes of this room: a coding as sent, what it resolved to, a value set as filed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NamedTuple

Kind = Literal["drug-class", "substance", "products", "analyte", "condition", "procedure", "status"]
Use = Literal["systemic", "local"]

KINDS: tuple[Kind, ...] = (
    "drug-class",
    "substance",
    "products",
    "analyte",
    "condition",
    "procedure",
    "status",
)
DRUG_KINDS: frozenset[Kind] = frozenset({"drug-class", "substance", "products"})
USES: tuple[Use, ...] = ("systemic", "local")


class Coding(NamedTuple):
    """One FHIR Coding as it was sent; any part may be missing."""

    system: str | None
    code: str | None
    display: str | None = None


class Resolution(NamedTuple):
    """Which ingredients one medication contains, and how we know.

    `by` is "text" when no code was known and the words of the medication were read instead: a
    weaker match, to be flagged (INO-DATA-02); "nothing" when neither helped. `local_use` is True
    when every substance was named by a code for eye, ear, skin or other local use and none by a
    code for systemic use. `label` is the best human label the input held, or "".
    """

    substances: frozenset[str]
    by: Literal["code", "text", "nothing"]
    local_use: bool
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """One verified code of a value set. `substances` is empty for anything but a drug.

    `use` is None when the code does not say how the drug is used, as an ingredient's code.
    """

    code: str
    display: str
    substances: tuple[str, ...]
    use: Use | None
    place: str


@dataclass(frozen=True, slots=True)
class ValueSet:
    """One file: the codes of one concept in one code system, as of one date.

    `system` is spelled as in the file, because a search must repeat the spelling of the site.
    """

    concept: str
    kind: Kind
    title: str
    system: str
    dated: date
    rows: tuple[Row, ...]
    place: str


@dataclass(frozen=True, slots=True)
class Words:
    """`text.yaml`: words that name a drug, printed names, and the diluents with their words.

    `conditions` and `procedures`: words that name a diagnosis or a procedure for which no code
    was verified.
    """

    words: dict[str, tuple[str, ...]]
    names: dict[str, str]
    diluents: dict[str, tuple[str, ...]]
    conditions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    procedures: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Families:
    """`families.yaml`: which concepts a concept includes, which substances a class leaves out."""

    includes: dict[str, tuple[str, ...]]
    excludes: dict[str, tuple[str, ...]]
