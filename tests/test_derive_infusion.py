"""How an order says that the dose is prepared and run."""

from fractions import Fraction

import pytest

from cds_service.facts.derive.infusion import vial_content
from cds_service.facts.interval import Interval
from cds_service.facts.model import Infusion
from cds_service.facts.unknown import Reason
from tests.builders import INO, chart, draft, the_reading


def fields(**more: object):
    return the_reading(chart(draft(**more)), "infusion", substance=INO).fields


@pytest.mark.parametrize(
    "route",
    [
        *("IV", "i.v.", "Intravenous route", "intravenous infusion", "47625008", "central line"),
        *("intravenös användning", "voie intraveineuse"),
    ],
)
def test_routes_into_a_vein(route):
    assert fields(route=route)["intravenous"] is True


@pytest.mark.parametrize(
    "route",
    [
        "oral",
        "PO",
        "Subcutaneous",
        "SC",
        "intrathecal",
        "intraventricular",
        "IM",
        "34206005",
        "by mouth",
    ],
)
def test_routes_elsewhere(route):
    assert fields(route=route)["intravenous"] is False


def test_no_route_and_one_we_do_not_know():
    assert fields()["intravenous"] is None
    assert fields(route="as directed")["intravenous"].reason is Reason.UNREADABLE


def test_what_the_order_does_not_say_holds_no_test():
    found = fields()

    assert found["minutes"] is None
    assert found["vial_content"] is None
    assert (found["syringe"], found["other_diluent"], found["mixed"]) == (False, False, False)


def test_sodium_chloride_is_the_only_diluent():
    saline, sugar = frozenset({"sodium-chloride"}), frozenset({"glucose"})

    assert fields(infusion=Infusion(diluents=saline))["other_diluent"] is False
    assert fields(infusion=Infusion(diluents=saline | sugar))["other_diluent"] is True


def test_a_drug_in_the_same_bag_is_named():
    run = Infusion(Interval.exactly(60), mixed_with=frozenset({"ondansetron"}))
    reading = the_reading(chart(draft(infusion=run)), "infusion", substance=INO)

    assert reading.fields["mixed"] is True
    assert reading.show["mixed_with"] == ("ondansetron",)
    assert reading.show["minutes"] == "60 min"


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("2 vials (2 mg)", "1"),
        ("2 vials = 1.8 mg", "0.9"),
        ("1 mg per vial", "1"),
        ("0.9 mg/vial, 2 vials (1.8 mg)", "0.9"),
        ("2 vials of 0.9 mg", "0.9"),
        ("2 x 1 mg vial", "1"),
        ("from two 0.9-mg vials", "0.9"),
        ("1 mg/vial or 0.9 mg/vial", None),
        ("1.6 mg IV over 1 hour", None),
        ("0 vials (2 mg)", None),
        ("", None),
    ],
)
def test_what_an_order_counts_for_a_vial(text, content):
    assert vial_content(text) == (Fraction(content) if content else None)
