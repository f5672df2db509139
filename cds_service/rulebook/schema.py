"""The form of rule files: which keys, of which type. What the words mean, ``build`` checks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, cast, get_args

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate, validates_schema

from cds_service.facts.vocabulary import KINDS
from cds_service.rulebook.complaints import Complaints, did_you_mean, listed
from cds_service.rulebook.model import Grade, Indicator, Profile, Status
from cds_service.rulebook.reading import Fields, Items

HOOKS = KINDS["setting"].fields["hook"].choices
_Messages = dict[str, str | list[Any] | dict[Any, Any]]

ACTIONS = ("delete-order", "hold-order", "create", "none")

_A_MAPPING = "must be a mapping in braces or on lines of its own"
_REQUIRED: _Messages = {"required": "is missing", "null": "must not be empty"}


class Text(fields.Field[str]):
    """Words, not blank; a bare number or day must be put in quotes to be text."""

    default_error_messages = {  # noqa: RUF012  Marshmallow owns this attribute and types it.
        **_REQUIRED,
        "type": "must be text; put a number, a day, true or false in quotes",
        "blank": "must not be blank",
    }

    def _deserialize(self, value: object, attr: str | None, data: object, **_: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("type")
        if not value.strip():
            raise self.make_error("blank")
        return value


class _Typed(fields.Field[Any]):
    """A value that YAML has read already, of one of several types."""

    default_error_messages = _REQUIRED
    types: tuple[type, ...] = ()
    says = ""

    def _deserialize(self, value: object, attr: str | None, data: object, **_: Any) -> object:
        wrong_flag = isinstance(value, bool) and bool not in self.types
        if wrong_flag or not isinstance(value, self.types):
            raise ValidationError(self.says)
        return value


class Number(_Typed):
    """An exact number."""

    types = (int, Decimal)
    says = "must be a number, such as 1.5 or 14"


class Day(_Typed):
    """A calendar day."""

    types = (date,)
    says = "must be a day, such as 2026-11-20"


class Flag(_Typed):
    """Yes or no, written true or false."""

    types = (bool,)
    says = "must be true or false"


class Named(_Typed):
    """A mapping whose keys are the author's own names."""

    types = (Fields,)
    says = 'must be a mapping of "name: …" lines'


class Entries(Named):
    """A mapping of the author's names to mappings of one form."""

    def __init__(self, form: type[Form] | None = None, **options: Any) -> None:
        """Take the form of each entry; none when it is checked elsewhere."""
        super().__init__(**options)
        self._form = form

    def _deserialize(self, value: object, attr: str | None, data: object, **_: Any) -> object:
        entries = cast(Fields, super()._deserialize(value, attr, data))
        errors: dict[str, object] = {}
        loaded: dict[str, object] = {}
        for name, entry in entries.items():
            try:
                loaded[name] = self._entry(entry)
            except ValidationError as error:
                errors[name] = error.messages
        if errors:
            raise ValidationError(errors)
        return loaded

    def _entry(self, entry: object) -> object:
        if not isinstance(entry, Fields):
            raise ValidationError(_A_MAPPING)
        return _made(self._form).load(entry) if self._form else entry


class _List(fields.List[Any]):
    """A YAML list."""

    default_error_messages = {  # noqa: RUF012  Marshmallow owns this attribute and types it.
        **_REQUIRED,
        "invalid": "must be a list in brackets or on lines that begin with a dash",
    }


@cache
def _made(form: type[Form]) -> Form:
    """One of each form is enough: they keep nothing of what they load."""
    return form()


class Form(Schema):
    """A mapping with a closed set of keys."""

    error_messages = {  # noqa: RUF012  Marshmallow owns this attribute and types it.
        "type": _A_MAPPING
    }

    class Meta:
        """Unknown keys are found below, where the nearest valid one can be named."""

        unknown = EXCLUDE

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _known_keys(self, _: object, original: object, **__: object) -> None:
        """Refuse a key that this mapping does not have."""
        keys = original if isinstance(original, Mapping) else {}
        unknown = [key for key in keys if key not in self.fields]
        if unknown:
            raise ValidationError(
                {
                    key: [
                        f"is not a key here; keys: {listed(self.fields)}."
                        + did_you_mean(key, self.fields)
                    ]
                    for key in unknown
                }
            )


def _one_of(choices: tuple[str, ...]) -> Text:
    return Text(required=True, validate=_choice(choices))


def _choice(choices: tuple[str, ...]) -> validate.OneOf:
    return validate.OneOf(choices, error="must be one of: {choices}")


def _texts(least: int = 0, choices: tuple[str, ...] = ()) -> fields.Field[Any]:
    item = Text(validate=_choice(choices)) if choices else Text()
    return _List(
        item,
        required=least > 0,
        validate=validate.Length(min=least, error="must have at least {min}"),
    )


def _form(form: type[Form], *, required: bool = False) -> fields.Field[Any]:
    return fields.Nested(form, required=required, error_messages=_REQUIRED)


def _forms(form: type[Form], *, required: bool = False) -> fields.Field[Any]:
    return _List(fields.Nested(form), required=required)


_SEMVER = validate.Regexp(
    r"\A(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)\Z", error="must be a version such as 1.0.0"
)


class CitationForm(Form):
    """One source."""

    label = Text(required=True)
    grade = _one_of(get_args(Grade))
    section = Text()
    url = Text(validate=validate.Regexp(r"\Ahttps://\S+\Z", error="must be an https:// address"))
    read_on = Day()
    note = Text()


class ParameterForm(Form):
    """One number."""

    value = Number(required=True)
    unit = Text(required=True)
    cite = Text(required=True)
    note = Text()


class CardForm(Form):
    """The words of a card."""

    summary = Text()
    detail = Text()


class VariantForm(Form):
    """One way to fire."""

    when = Entries(required=True)
    indicator = Text(validate=_choice(get_args(Indicator)))
    card = _form(CardForm)
    source = Text()


class SuggestionForm(Form):
    """One offer."""

    id = Text(required=True)
    label = Text(required=True)
    action = _one_of(ACTIONS)
    order = Text()
    resource = Text()
    when_missing = _texts()


class SignOffForm(Form):
    """Who reviewed it."""

    by = Text()
    role = Text()
    on = Day()


class ChangeForm(Form):
    """One entry of the history."""

    version = Text(required=True, validate=_SEMVER)
    on = Day(required=True)
    note = Text(required=True)


class CaseForm(Form):
    """One test; ``given``, ``gaps`` and ``expect`` are read by ``cases``."""

    name = Text(required=True)
    today = Day(required=True)
    given = Entries(required=True)
    expect = fields.Raw(required=True, error_messages=_REQUIRED)
    variant = Text()
    indicator = Text(validate=_choice(get_args(Indicator)))
    summary = Text()
    profile = Text(validate=_choice(get_args(Profile)))
    hook = Text(validate=_choice(HOOKS))
    gaps = Named()
    beside = _texts()


class EquivalentForm(Form):
    """A mutant that no case can notice, and why."""

    mutant = Text(required=True)
    because = Text(required=True)


class RuleForm(Form):
    """A rule file."""

    id = Text(
        required=True,
        validate=validate.Regexp(r"\A[A-Z]+-[A-Z]+-\d\d\Z", error="must look like INO-VOD-12"),
    )
    version = Text(required=True, validate=_SEMVER)
    status = _one_of(get_args(Status))
    title = Text(required=True)
    hooks = _texts(1, HOOKS)
    evidence = _texts(1, get_args(Grade))
    why = Text(required=True)
    blind_spots = _texts(1)
    unless_fires = _texts()
    amends = _texts()
    amends_only = Flag()
    left_open = Text(validate=_choice(("quiet", "aside", "info", "warning")))
    citations = Entries(CitationForm, required=True)
    source = Text(required=True)
    see_also = _texts()
    parameters = Entries(ParameterForm)
    when = Entries()
    indicator = Text(validate=_choice(get_args(Indicator)))
    variants = Entries(VariantForm)
    card = _form(CardForm)
    suggestions = _forms(SuggestionForm)
    override_reasons = _texts(1)
    sign_off = _form(SignOffForm, required=True)
    changes = _forms(ChangeForm, required=True)
    cases = _forms(CaseForm, required=True)
    equivalent_mutants = _forms(EquivalentForm)


class ServiceForm(Form):
    """One CDS Hooks service."""

    hook = _one_of(HOOKS)
    title = Text(required=True)
    description = Text(required=True)
    usage_requirements = Text(required=True)


class OverrideForm(Form):
    """One reason for not following a card."""

    code = Text(required=True)
    system = Text(required=True)
    display = Text(required=True)


class EvidenceForm(Form):
    """One fact that cards may cite."""

    text = Text(required=True)
    source = Text(required=True)
    grades = _texts(1, get_args(Grade))
    note = Text()


class EvidenceFileForm(Form):
    """``rules/evidence.yaml``."""

    evidence = Entries(EvidenceForm, required=True)


class ServicesForm(Form):
    """``rules/services.yaml``."""

    services = Entries(ServiceForm, required=True)


class OverridesForm(Form):
    """``rules/overrides.yaml``."""

    override_reasons = Entries(OverrideForm, required=True)


class SuggestionsForm(Form):
    """``rules/suggestions.yaml``."""

    resources = Entries(required=True)


def in_form(form: type[Form], document: Fields, complaints: Complaints) -> dict[str, Any] | None:
    """The document as its form loads it; None after a complaint for every error of form."""
    try:
        loaded: dict[str, Any] = _made(form).load(document)
    except ValidationError as error:
        _complain(error.messages, document, (), document.line, complaints)
        return None
    return loaded


def _complain(
    errors: object, value: object, path: tuple[str | int, ...], line: int, complaints: Complaints
) -> None:
    """Give every message of marshmallow's tree the line of the value it is about."""
    if isinstance(errors, Mapping):
        for key, inner in errors.items():
            child, child_line = _step(value, key, line)
            step = () if key == "_schema" else (key,)
            _complain(inner, child, (*path, *step), child_line, complaints)
        return
    for message in errors if isinstance(errors, list) else [errors]:
        named = _named(path)
        complaints.at(line, f"{named} {message}" if named else f"the file {message}")


def _named(path: tuple[str | int, ...]) -> str:
    """``cases.3.today`` as a reader finds it: the third case's ``today``."""
    words = [f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in path]
    return "".join(words).removeprefix(".")


def _step(value: object, key: object, line: int) -> tuple[object, int]:
    if isinstance(value, Fields) and isinstance(key, str):
        inner = value.get(key)
        return inner, value.lines.get(key, value.line)
    if isinstance(value, Items) and isinstance(key, int):
        return value[key], value.lines[key]
    return value, line
