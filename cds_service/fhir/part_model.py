"""A FHIR model cut down to the elements we read, which checks those as the whole model does."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from fhir_core.fhirabstractmodel import FHIRAbstractModel
from pydantic import create_model


def part_of(model: type[FHIRAbstractModel], elements: Collection[str]) -> type[FHIRAbstractModel]:
    """The model of these elements alone: types, required ones, and at most one of a choice.

    The whole model takes twice as long, mostly for elements that are not there.
    """
    fields: dict[str, Any] = {
        name: (field.annotation, field)
        for name, field in model.model_fields.items()
        if (field.alias or name) in elements
    }
    whole = model.model_construct()
    required = [pair for pair in whole.get_required_fields() if pair[0] in fields]
    choices = {
        choice: kept
        for choice, names in whole.get_one_of_many_fields().items()
        if (kept := [name for name in names if name in fields])
    }

    class Part(FHIRAbstractModel):
        __resource_type__ = model.__resource_type__

        @classmethod
        def elements_sequence(cls) -> list[str]:
            return list(elements)

        def get_required_fields(self) -> list[tuple[str, str | None]]:
            return required

        def get_one_of_many_fields(self) -> dict[str, list[str]]:
            return choices

    return create_model(model.__name__, __base__=Part, **fields)
