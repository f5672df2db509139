"""What a reading shows, as people read it, and nothing of it twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cds_service.facts.answers import Reading
from cds_service.facts.vocabulary import KINDS
from cds_service.web.words import plain, spaced

# A word that only says again what one of these says, where that is shown.
_SAID_BY: Mapping[str, tuple[str, ...]] = {
    "cycle": ("cycle_text",),
    "cycles": ("course_text",),
    "day": ("cycle_text",),
    "doses": ("course_text",),
    "items": ("names", "lacking"),
    "last": ("course_text",),
    "names": ("lows", "reasons"),
    "unit": ("text",),
    "value": ("text",),
}
# Here the items say why as well, and so the names are what is said twice.
_WITH_REASONS: Mapping[str, tuple[str, ...]] = {"items": (), "names": ("items",)}
_SAID_BY_OF_KIND: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "body": _WITH_REASONS,
    "lab_panel": _WITH_REASONS,
}

# Not read in the chart: the regimen's own figures, which a card prints.
_OF_THE_REGIMEN = frozenset(
    {"apart", "omit_from", "reduce_from", "stop_after", "reduction", "doses_left"}
)

_BARE = "{}"
_PHRASES: Mapping[str, str] = {
    **dict.fromkeys(("name", "text", "label", "names", "items", "lows", "reasons"), _BARE),
    **dict.fromkeys(("cycle_text", "course_text", "minutes"), _BARE),
    "bsa": "BSA {}",
    "day0": "day 0 {}",
    "times": "{} x ULN",
}
_PHRASES_OF_KIND: Mapping[tuple[str, str], str] = {
    ("blood_count", "age"): _BARE,
    ("hold", "date"): "held dose planned for {}",
    ("hold", "days"): "{} days from its planned day to the order",
    ("lab", "age"): _BARE,
    ("lab_since_hold", "count"): "results since: {}",
    ("lab_since_hold", "days"): "{} days from the held dose to the latest result",
    ("lab_since_hold", "held"): "dose held {}",
    ("lab_since_hold", "times"): "lowest {} x ULN",
    ("qtc", "age"): _BARE,
    ("schedule", "cycle_days"): "{} days since day 1 of the cycle before",
    ("schedule", "day_one"): "day 1 of the cycle before {}",
    ("schedule", "days"): "{} days since the last dose",
    ("schedule", "last"): "last dose {}",
}
_FLAGS: Mapping[str, str] = {"by_words": "known by its words, not by a code"}


def shown(kind: str, reading: Reading) -> Iterator[str]:
    """The words of a reading in the vocabulary's order.

    Left out is what another word of it says, the reference (which is among the sources), a count
    of one, and what is not read in the chart.
    """
    for name in KINDS[kind].show:
        if not _is_said_elsewhere(kind, name, reading) and (words := _phrase(kind, name, reading)):
            yield words


def _is_said_elsewhere(kind: str, name: str, reading: Reading) -> bool:
    if name == "reference" or name in _OF_THE_REGIMEN:
        return True
    if name == "count" and plain(reading.show.get(name)) == "1" and reading.show.get("names"):
        return True
    others = _SAID_BY_OF_KIND.get(kind, {}).get(name, _SAID_BY.get(name, ()))
    return any(reading.show.get(other) for other in others)


def _phrase(kind: str, name: str, reading: Reading) -> str:
    value = reading.show.get(name)
    if isinstance(value, bool):
        return _FLAGS.get(name, spaced(name)) if value else ""
    words = plain(value)
    usual = _PHRASES.get(name, f"{spaced(name)} {_BARE}")
    return _PHRASES_OF_KIND.get((kind, name), usual).format(words) if words else ""
