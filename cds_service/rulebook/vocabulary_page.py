"""The vocabulary as the section of ``docs/writing-a-rule.md`` that a test holds to it."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.facts.vocabulary import KINDS, Field, Kind, Selector

BEGIN = "<!-- vocabulary: written by `cds-service rules vocabulary`, held by a test -->"
END = "<!-- end of vocabulary -->"


def vocabulary_page() -> str:
    """The whole section, markers included."""
    return "\n".join([BEGIN, "", *_kinds(), END])


def _kinds() -> Iterator[str]:
    yield "## Facts a clause may ask for"
    yield ""
    for kind in KINDS.values():
        yield from _kind(kind)


def _kind(kind: Kind) -> Iterator[str]:
    yield f"### `{kind.name}`"
    yield ""
    yield kind.meaning
    yield ""
    if kind.selectors:
        yield "| narrowed by | takes |"
        yield "|---|---|"
        for name, selector in kind.selectors.items():
            yield f"| `{name}` | {_selector(selector)} |"
        yield ""
    yield "| tested by | is | meaning |"
    yield "|---|---|---|"
    for name, field in kind.fields.items():
        yield f"| `{name}` | {_field(field)} | {field.meaning} |"
    yield ""
    if kind.show:
        yield f"Words for the card: {_listed(kind.show)}."
        yield ""
    if kind.needs:
        yield f"Read from: {_listed(kind.needs)}."
        yield ""


def _selector(selector: Selector) -> str:
    if selector.choices:
        what = f"one of {_listed(selector.choices)}"
    elif selector.type == "number":
        what = "a `$parameter`" + (f" in {selector.unit}" if selector.unit else "")
    elif selector.type == "flag":
        what = "true or false"
    else:
        article = "an" if selector.type == "analyte" else "a"
        what = f"{article} {selector.type}" + (" or a list of them" if selector.many else "")
    return what + (", required" if selector.required else "")


def _field(field: Field) -> str:
    if field.choices:
        return f"one of {_listed(field.choices)}"
    if field.type == "flag":
        return "true or false"
    return f"a {field.type}" + (f", {field.unit}" if field.unit else "")


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)
