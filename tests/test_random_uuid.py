"""The UUIDs of cards and buttons."""

from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from cds_service.cards.random_uuid import random_uuid, written


@given(st.binary(min_size=16, max_size=16))
def test_it_is_what_the_standard_library_makes_of_the_same_randomness(randomness: bytes) -> None:
    made = written(randomness)

    assert made == str(UUID(bytes=randomness, version=4))
    assert (UUID(made).variant, UUID(made).version) == (RFC_4122, 4)


def test_it_is_never_the_same() -> None:
    made = {random_uuid() for _ in range(100)}

    assert len(made) == 100


def test_those_of_one_answer_mostly_begin_alike_and_others_do_not() -> None:
    """So that the card log's index is written in one place for each answer."""
    beginnings = {random_uuid()[:10] for _ in range(1_000)}

    assert 15 <= len(beginnings) <= 17


def test_what_follows_the_beginning_is_never_the_same() -> None:
    assert len({random_uuid()[10:] for _ in range(1_000)}) == 1_000
