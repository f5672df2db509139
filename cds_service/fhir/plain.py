"""Recognising at a glance what a FHIR model would surely accept: the form nearly all charts have.

Worked out from the models and the shape we read, once: each type of resource gets one function,
written as source text and compiled, as ``dataclasses`` makes its methods. A chart holds hundreds
of resources, and many small functions that call one another took several times as long. Whatever
is not of the plainest form is not judged here but by the models, which stay the authority.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import NoneType
from typing import Any, get_args, get_origin

from fhir_core import types as primitives
from fhir_core.fhirabstractmodel import FHIRAbstractModel
from fhir_core.types import FhirBase

from cds_service.fhir.part_model import PartModel
from cds_service.fhir.peek import Resource

Shape = Mapping[str, Any]
"""Element names to keep: None for a leaf, else the shape of what lies below. An empty shape asks
only that there is an object: what it holds is looked at elsewhere."""

# A leap day is left to the models.
_DAY = (
    r"[12]\d{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])"
    r"|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
_TIME = r"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d)"

_TEXTS: Mapping[type, re.Pattern[str]] = {
    primitives.Code: re.compile(r"[!-~]+"),
    primitives.String: re.compile(r"[!-~][ -~]*"),
    primitives.Date: re.compile(_DAY, re.ASCII),
    primitives.DateTime: re.compile(f"{_DAY}(?:{_TIME})?", re.ASCII),
    primitives.Instant: re.compile(_DAY + _TIME, re.ASCII),
}
"""The plainest form of each type of the models that is written as text."""

Fields = Mapping[str, Any]
"""The types of elements, by their names."""


def plain_form(part: PartModel, shape: Shape, given: Collection[str]) -> Callable[[Resource], bool]:
    """What recognises a resource whose elements of this shape its model has no complaint about.

    ``given`` are required elements that are filled in where they are missing.
    """
    required = [name for name in part.required if name not in given]
    choices = [(choice.names, choice.required) for choice in part.choices]
    may_be_blank = not required and not any(choice.required for choice in part.choices)
    text = _Text(part.elements.__name__)
    text.add(0, "def is_plain(part0):")
    text.object(1, 0, shape, _fields(part.elements.model_fields), required, choices)
    text.add(1, f"return there0 != 0 or {may_be_blank}")
    return text.function("is_plain")


class _Text:
    """The source of a function that says False as soon as something is not of the plainest form.

    On each level of a resource, ``part0`` is an object, ``there0`` has a bit for every element of
    it that is there and not blank, and ``found0`` is one of them.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._lines: list[str] = []
        self._names: dict[str, Any] = {}

    def add(self, indent: int, *lines: str) -> None:
        """Further lines."""
        self._lines += [" " * indent + line for line in lines]

    def function(self, name: str) -> Callable[[Resource], bool]:
        """The function that the lines define."""
        source = compile("\n".join(self._lines), f"<plain form of {self._title}>", "exec")
        exec(source, self._names)  # noqa: S102 (The text is made of the models' own names; nothing of a call reaches it.)
        made: Callable[[Resource], bool] = self._names[name]
        return made

    def object(
        self,
        indent: int,
        level: int,
        shape: Shape,
        fields: Fields,
        required: Iterable[str],
        choices: Iterable[tuple[Sequence[str], bool]],
    ) -> None:
        """An object: each element right, those required there, each choice made."""
        part, there, found = f"part{level}", f"there{level}", f"found{level}"
        self.add(indent, f"if type({part}) is not dict: return False", f"{there} = 0")
        bits = {name: 1 << place for place, name in enumerate(shape)}
        for name, below in shape.items():
            self.add(indent, f"if {name!r} in {part}:")
            self.add(indent + 1, f"{found} = {part}[{name!r}]", f"if {found} is not None:")
            self._element(indent + 2, level, fields[name], below, bits[name])
        self.add(indent, f"if {there}:")
        beyond = 1 << len(shape)
        needed = sum(bits.get(name, beyond) for name in set(required))
        self.add(indent + 1, f"if {there} & {needed} != {needed}: return False")
        for names, must_be_made in choices:
            made = f"{there} & {sum(bits.get(name, 0) for name in names)}"
            self.add(indent + 1, f"if {made} & ({made}) - 1: return False")
            if must_be_made:
                self.add(indent + 1, f"if not {made}: return False")

    def _element(
        self, indent: int, level: int, annotation: Any, shape: Shape | None, bit: int
    ) -> None:
        """One element, ``found``; it is noted as there unless it is blank."""
        kind, found = _kind(annotation), f"found{level}"
        if shape is not None and not shape:
            # Nothing of it is validated, so there is nothing that could be wrong.
            self.add(indent, f"for each in {found} if type({found}) is list else ({found},):")
            self.add(indent + 1, "if type(each) is not dict: return False")
            return
        if get_origin(kind) is list:
            self.add(indent, f"if type({found}) is not list: return False")
            self.add(indent, f"for part{level + 1} in {found}:")
            indent, kind = indent + 1, _kind(get_args(kind)[0])
        else:
            self.add(indent, f"part{level + 1} = {found}")
        if shape is not None:
            self._part(indent, level + 1, kind, shape)
            self.add(indent, f"if there{level + 1}: there{level} |= {bit}")
            return
        self.add(indent, f"if not ({self._leaf(kind, f'part{level + 1}')}): return False")
        self.add(indent, f"there{level} |= {bit}")

    def _part(self, indent: int, level: int, kind: Any, shape: Shape) -> None:
        if not issubclass(kind, FhirBase):
            self.add(indent, "return False")
            return
        model: type[FHIRAbstractModel] = kind.get_model_klass()
        whole = model.model_construct()
        required = [name for name, _ in whole.get_required_fields()]
        choices = [(names, False) for names in whole.get_one_of_many_fields().values()]
        self.object(indent, level, shape, _fields(model.model_fields), required, choices)

    def _leaf(self, kind: Any, leaf: str) -> str:
        """The condition for a leaf of some type."""
        if kind is bool:
            return f"type({leaf}) is bool"
        said = type(getattr(kind, "__metadata__", (None,))[0])
        if said is primitives.Integer:
            return f"type({leaf}) is int and {-(2**31)} <= {leaf} < {2**31}"
        if said not in _TEXTS:
            return "False"
        matches = f"is_{said.__name__}"
        self._names[matches] = _TEXTS[said].fullmatch
        return f"type({leaf}) is str and {matches}({leaf})"


def _kind(annotation: Any) -> Any:
    """The type of an element that may also be missing."""
    (kind,) = [each for each in get_args(annotation) or (annotation,) if each is not NoneType]
    return kind


def _fields(model_fields: Mapping[str, Any]) -> Fields:
    return {field.alias or name: field.annotation for name, field in model_fields.items()}
