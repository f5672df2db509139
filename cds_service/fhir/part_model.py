"""A FHIR model cut down to the elements we read, which judges those as the whole model does.

The whole model takes several times as long, mostly for elements that are not there.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fhir_core.fhirabstractmodel import FHIRAbstractModel
from pydantic import BaseModel, ValidationError, create_model


@dataclass(frozen=True, slots=True)
class Choice:
    """An element of several types (``effective[x]``), of which at most one may be there."""

    names: Sequence[str]
    required: bool


@dataclass(frozen=True, slots=True)
class PartModel:
    """The elements, of the types that the whole model gives them; those required; the choices."""

    elements: type[BaseModel]
    required: Sequence[str]
    choices: Sequence[Choice]

    def complaints(self, resource: Mapping[str, Any]) -> tuple[str, ...]:
        """The paths of what the whole model would refuse; ``resource`` when that is no element.

        The resource has none but our elements, and none that is null or empty.
        """
        try:
            self.elements.model_validate(resource)
        except ValidationError as refused:
            errors = refused.errors(include_url=False, include_context=False, include_input=False)
            return tuple(dict.fromkeys(_path(error["loc"]) for error in errors))
        except (ValueError, TypeError, OverflowError, RecursionError, AssertionError):
            return ("resource",)
        if missing := tuple(name for name in self.required if name not in resource):
            return missing
        return () if all(_is_made(choice, resource) for choice in self.choices) else ("resource",)


def part_of(model: type[FHIRAbstractModel], elements: Collection[str]) -> PartModel:
    """The part of a model that judges these elements."""
    fields: dict[str, Any] = {
        name: (field.annotation, field)
        for name, field in model.model_fields.items()
        if (field.alias or name) in elements
    }
    whole = model.model_construct()
    choices = (
        [name for name in names if name in fields]
        for names in whole.get_one_of_many_fields().values()
    )
    return PartModel(
        create_model(model.__name__, __config__=model.model_config, **fields),
        [name for name, _ in whole.get_required_fields() if name in fields],
        [Choice(names, _is_required(model, names[0])) for names in choices if names],
    )


def _is_required(model: type[FHIRAbstractModel], name: str) -> bool:
    said = model.model_fields[name].json_schema_extra
    return isinstance(said, dict) and said.get("one_of_many_required") is True


def _is_made(choice: Choice, resource: Mapping[str, Any]) -> bool:
    made = sum(name in resource for name in choice.names)
    return made == 1 or (made == 0 and not choice.required)


def _path(location: tuple[int | str, ...]) -> str:
    # The models call the whole of a part "root".
    return ".".join(str(step) for step in location if step != "root") or "resource"
