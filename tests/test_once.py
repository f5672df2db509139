"""Work that is done once for a part of a rulebook."""

import pytest

from cds_service.cards import once as room
from cds_service.cards.once import once


@pytest.fixture
def work():
    """Work that counts how often it was done."""

    @once
    def done(*parts: list[str]) -> int:
        done_for.append(parts)
        return len(done_for)

    done_for: list[tuple[list[str], ...]] = []
    return done


def test_it_is_done_once_for_the_same_parts(work):
    rule, variant = ["rule"], ["variant"]

    assert work(rule, variant) == work(rule, variant) == 1


def test_parts_that_are_equal_but_not_the_same_are_worked_on_anew(work):
    """
    Of two rules that compare equal each has its own: comparing would cost more than the work.
    """
    assert work(["rule"]) != work(["rule"])


def test_parts_that_nobody_else_holds_are_never_taken_for_later_ones(work):
    """
    An identity is free again once its owner is gone; so the owner is kept.
    """
    results = [work([str(number)]) for number in range(500)]

    assert len(set(results)) == 500


def test_it_does_not_grow_without_end(work, monkeypatch):
    monkeypatch.setattr(room, "ROOM", 2)
    first = ["first"]

    assert [work(first), work(["second"]), work(["third"]), work(first)] == [1, 2, 3, 4]
