"""Text of the chart made harmless: escaped for the markdown detail, flat for the summary.

Anyone who can write a drug name into a chart can write markdown or HTML there. What they wrote is
shown as they wrote it, and does nothing.
"""

from __future__ import annotations

import re
import unicodedata

_INVISIBLE = ("Cf", "Cn", "Co")
_BREAK = "\u200b"  # a zero-width space, which ends an address for every finder of bare links

_TAG = re.compile(r"<(?!=?\s?\d)")
_HARMLESS = re.compile(
    r"""
    (?!\d{1,9}[.)](?:\s|$))             # no number of a list
    [^\W_]                              # a letter or digit; what follows is
    (?:[^\W_wW]++ | [,;%/()'.=+-]++     # more of them, and marks that mean nothing within a line
    | [wW](?![wW]) | :(?!/) | [ ](?=\S) # no address, and one space between two words
    )*+
    """,
    re.VERBOSE,
)
is_harmless = _HARMLESS.fullmatch
"""Something if a text is words on one line in which nothing could be markdown, tag or address.

Most texts are. Neither ``escaped`` nor ``flat`` changes them.
"""
_COMPARED = re.compile(r"<(?==?\s?\d)")
_PUNCTUATION = re.compile(r"([\\`*_\[\]|~])")
_ADDRESS = re.compile(r"\S*(?:://|www\.|@)\S*", re.IGNORECASE)
_LIST_NUMBER = re.compile(r"^(\d{1,9})([.)])(?=\s|$)")
_LINE_MARK = re.compile(r"^([#+\-=:.)])")


def plain(text: str) -> str:
    """The text on one line: white space folded, control and invisible characters taken out."""
    line = " ".join(text.split())
    if line.isprintable():
        return line
    return " ".join("".join(map(_visible, line)).split())


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cc":
        return " "
    if category == "Cs":
        return "\N{REPLACEMENT CHARACTER}"
    return "" if category in _INVISIBLE else character


def flat(text: str) -> str:
    """Plain text for a summary; no tag and no markdown link even where a client looks for them."""
    if is_harmless(text):
        return text
    tagless = _TAG.sub("\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}", plain(text))
    return tagless.replace("](", "] (")


def escaped(text: str) -> str:
    """Markdown that reads as the text and nothing else, wherever in a line it is put."""
    return text if is_harmless(text) else disarmed(plain(text))


def disarmed(line: str) -> str:
    """The line with everything escaped that a reader of markdown acts upon."""
    line = _PUNCTUATION.sub(r"\\\1", line).replace(r"\](", r"\]\(")
    line = re.sub(r"&(?!\s)", "&amp;", line)
    line = _COMPARED.sub("\0", line).replace("<", "&lt;").replace("\0", "<")
    line = re.sub(r">(?==?\s?\d)", r"\>", line)
    line = re.sub(r"(?<!\\)>", "&gt;", line)
    line = _ADDRESS.sub(_broken_address, line)
    line = _LIST_NUMBER.sub(r"\1\\\2", line)
    return _LINE_MARK.sub(r"\\\1", line)


def _broken_address(found: re.Match[str]) -> str:
    """An address in which no reader of markdown finds a link, and a person still reads it."""
    address = re.sub(r"(www)\.", rf"\1{_BREAK}.", found[0], flags=re.IGNORECASE)
    address = address.replace(":", f":{_BREAK}").replace("@", f"@{_BREAK}")
    return re.sub(r"(?<!\\)([.:@])", r"\\\1", address)


def units(text: str) -> int:
    """Length in UTF-16 units, which is never less than the number of code points."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def clipped(text: str, limit: int) -> str:
    """At most so many UTF-16 units, ended at a word where one ends late enough, with ``…``."""
    if units(text) <= limit:
        return text
    kept = text[: limit - 1]
    while units(kept) > limit - 1:
        kept = kept[:-1]
    if not text[len(kept)].isspace():
        head, space, _ = kept.rpartition(" ")
        kept = head if space and len(head) > limit // 2 else kept
    return kept.rstrip(" ,;:") + "…"


def listed(names: tuple[str, ...]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join((*([", ".join(names[:-1])] if names[1:] else []), *names[-1:]))


def shortened(names: tuple[str, ...], limit: int) -> str:
    """As many names as fit the limit: ``ondansetron, fluconazole and 3 more``."""
    whole = listed(names)
    if units(whole) <= limit:
        return whole
    # A name takes at least the two characters that part it from the next.
    for kept in range(min(len(names) - 1, limit // 2 + 1), 0, -1):
        short = f"{', '.join(names[:kept])} and {len(names) - kept} more"
        if units(short) <= limit:
            return short
    more = f" and {len(names) - 1} more" if names[1:] else ""
    return clipped(names[0], max(limit - len(more), 8)) + more
