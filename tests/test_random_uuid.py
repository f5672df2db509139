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
