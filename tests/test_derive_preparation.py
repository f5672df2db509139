"""Times of preparation in the words of an order."""

from fractions import Fraction

import pytest

from tests.builders import INO, chart, draft, the_reading


def hours(text: str) -> tuple[Fraction | None, Fraction | None]:
    fields = the_reading(chart(draft(text=text)), "preparation", substance=INO).fields
    found = (fields["hours_to_dilution"], fields["hours_to_end"])
    return tuple(each.number if each else None for each in found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Reconstituted 08:00, diluted 11:30, end of infusion 15:30", ("7/2", "15/2")),
        ("reconstituted at 8:00 am; dilution at 1:00 pm", ("5", None)),
        ("Reconstitution: 22:00. Infusion ended 02:30", (None, "9/2")),
        ("reconstituted 12:15 a.m, diluted 12:15 p.m", ("12", None)),
        ("diluted 11:30, end of infusion 12:30", (None, None)),
        ("reconstituted 08:00, reconstituted 09:00, diluted 10:00", (None, None)),
        ("reconstituted 27:00, diluted 10:00", (None, None)),
        ("C1D1: 1.6 mg IV over 1 hour", (None, None)),
    ],
)
def test_hours_from_reconstitution(text, found):
    assert hours(text) == tuple(Fraction(each) if each else None for each in found)


@pytest.mark.parametrize(
    ("text", "frozen", "light"),
    [
        ("was frozen overnight", True, False),
        ("bag left in the light", False, True),
        ("vial was not protected from light", False, True),
        ("never frozen", False, False),
        ("was not exposed to light", False, False),
        ("protect from light, do not freeze", False, False),
    ],
)
def test_what_spoils_it(text, frozen, light):
    fields = the_reading(chart(draft(text=text)), "preparation", substance=INO).fields

    assert (fields["frozen"], fields["light"]) == (frozen, light)
