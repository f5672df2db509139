"""A card becomes a row whose texts every database takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cds_service.store.entries import LONGEST, LONGEST_KEY, call_entry, clean
from tests.store_builders import call, card

odd = st.one_of(
    st.text(alphabet=st.characters(), max_size=20),
    st.sampled_from(["a" * LONGEST_KEY, "a" * (LONGEST_KEY + 1), "b" * (LONGEST + 1), "\0", "é"]),
)


@given(odd, odd, odd, odd, odd, odd)
def test_each_text_of_a_card_is_as_clean_as_if_it_came_alone(
    uuid: str, key: str, rule_id: str, version: str, said: str, indicator: str
) -> None:
    """However they are looked at together."""
    odd_card = card()._replace(
        uuid=uuid,
        answer_key=key,
        rule_id=rule_id,
        rule_version=version,
        rule_hash=said,
        indicator=indicator,
    )

    (row,) = call_entry(call(odd_card)).rows["cards"]

    assert (row["uuid"], row["answer_key"]) == (clean(uuid, LONGEST_KEY), clean(key, LONGEST_KEY))
    assert (row["rule_id"], row["rule_version"]) == (clean(rule_id), clean(version))
    assert (row["rule_hash"], row["indicator"]) == (clean(said), clean(indicator))
