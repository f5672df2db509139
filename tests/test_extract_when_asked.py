"""What an order says is read when it is asked for, and no differently from one read at once."""

from __future__ import annotations

import copy
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.model import DrugUse, LabResult
from tests.builders import draft
from tests.test_extract_drugs import ordered


class Record:
    """A record that counts what is read of it."""

    def __init__(self, use: DrugUse | LabResult) -> None:
        self.asked: list[str] = []
        self._use = use

    def __getattr__(self, name: str) -> Any:
        self.asked.append(name)
        return getattr(self._use, name)


def test_a_field_is_read_when_it_is_asked_for_and_only_once() -> None:
    record = Record(draft())
    use = DrugUse.read_from(record)
    record.asked.clear()

    assert use.dose == use.dose == draft().dose
    assert record.asked == ["dose"]


def test_what_every_rule_asks_is_read_at_once() -> None:
    record = Record(draft())
    DrugUse.read_from(record)

    assert {"substances", "status", "role", "kind"} <= set(record.asked)


def test_it_equals_prints_and_copies_like_one_that_was_read_before() -> None:
    whole = draft()
    use = DrugUse.read_from(Record(whole))

    assert DrugUse.read_from(Record(whole)) == whole
    assert repr(DrugUse.read_from(Record(whole))) == repr(whole)
    assert hash(DrugUse.read_from(Record(whole))) == hash(whole)
    assert replace(use, status="stopped") == replace(whole, status="stopped")
    assert copy.deepcopy(DrugUse.read_from(Record(whole))) == whole


def test_an_order_tells_every_field_of_a_use() -> None:
    use = ordered(dosageInstruction=[{"text": "C1D1: 1.4 mg IV", "doseAndRate": []}])

    assert {field.name for field in fields(use) if getattr(use, field.name) is None} == {
        "start",
        "end",
        "dose_per_m2",
        "infusion",
    }


def test_a_wrong_name_is_an_error_and_asks_nothing() -> None:
    record = Record(draft())
    use: Any = DrugUse.read_from(record)
    record.asked.clear()

    with pytest.raises(AttributeError, match="dosages"):
        _ = use.dosages
    assert record.asked == []


@pytest.mark.parametrize("kind", [DrugUse, LabResult])
@given(data=st.data())
def test_whatever_is_asked_first_it_equals_one_made_with_all_its_fields(
    kind: type[Any], data: st.DataObject
) -> None:
    names = [field.name for field in fields(kind)]
    whole = kind(**{name: data.draw(st.none() | st.text(max_size=3), name) for name in names})
    late = kind.read_from(Record(whole))

    for name in data.draw(st.lists(st.sampled_from(names))):
        assert getattr(late, name) == getattr(whole, name)
    assert late == whole
    assert whole == late
    assert (hash(late), repr(late)) == (hash(whole), repr(whole))
    assert copy.copy(late) == replace(late) == whole


@pytest.mark.parametrize("make", [draft, lambda: DrugUse.read_from(Record(draft()))])
def test_no_field_can_be_written_over(make: Any) -> None:
    use = make()

    with pytest.raises(FrozenInstanceError):
        use.dose = None
