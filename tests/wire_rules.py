"""CDS Hooks 2.0.1 responses, judged by the specification alone.

Nothing of the service is imported here: what it answers must pass because the specification says
so. `complaints(response)` lists every breach; `assert_conforms(response)` fails with the list.
With dialect "epic" what Epic documents about cards is asked for as well.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from fhir.resources.R4B import get_fhir_model_class
from markdown_it import MarkdownIt
from markdown_it.token import Token

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
RESOURCE_ID = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}")
BARE_LINK = re.compile(r"(?:https?|ftp)://[\w-]|\bwww\.[\w-]|[\w.+-]+@[\w-]+\.\w", re.IGNORECASE)
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])

# For each object its keys, with True for those that must be there.
CARD = {
    "uuid": True,
    "summary": True,
    "detail": False,
    "indicator": True,
    "source": True,
    "suggestions": False,
    "selectionBehavior": False,
    "overrideReasons": False,
    "links": False,
    "extension": False,
}
SOURCE = {"label": True, "url": False, "icon": False, "topic": False}
CODING = {"system": True, "code": True, "display": True}
SUGGESTION = {"label": True, "uuid": True, "isRecommended": False, "actions": False}
ACTION = {"type": True, "description": True, "resource": False, "resourceId": False}
LINK = {"label": True, "url": True, "type": True, "appContext": False}
EPIC_ACTIONS = {
    ("create", "Condition"),
    ("create", "MedicationRequest"),
    ("create", "ServiceRequest"),
    ("delete", "MedicationRequest"),
    ("delete", "ServiceRequest"),
}
FEEDBACK_TEXTS = ("label", "display", "description", "code", "system")


Dialect = Literal["standard", "epic"]


def assert_conforms(
    response: object, drafts: Iterable[Mapping[str, Any]] = (), dialect: Dialect = "standard"
) -> None:
    """Fail with every breach of the specification, or of what the dialect asks for."""
    found = list(complaints(response, drafts, dialect))
    assert not found, "\n".join(found)


def complaints(
    response: object, drafts: Iterable[Mapping[str, Any]] = (), dialect: Dialect = "standard"
) -> Iterator[str]:
    """Every breach, each with the place.

    ``drafts`` are the resources of the request's draftOrders: an update or a delete must name one
    of them, and an updated draft is compared with what was sent (which need not be valid FHIR)
    instead of being validated.
    """
    if not isinstance(response, Mapping):
        yield "the response is not an object"
        return
    yield from _keys("response", response, {"cards": True})
    cards = response.get("cards")
    if not isinstance(cards, list):
        yield "cards: not a list"
        return
    sent = {f"{draft.get('resourceType')}/{draft.get('id')}": draft for draft in drafts}
    for number, card in enumerate(cards):
        yield from _card(f"cards[{number}]", card, sent)
        yield from _blanks(f"cards[{number}]", card)
        if dialect == "epic" and isinstance(card, Mapping):
            yield from _epic(f"cards[{number}]", card)
    yield from _unique_ids(cards)
    yield from _in_order(cards)


def _blanks(place: str, found: object) -> Iterator[str]:
    """Nulls, empties and blank texts at any depth, except in what the request itself sent."""
    if found is None or found in ("", [], {}) or (isinstance(found, str) and not found.strip()):
        yield f"{place}: null, empty or blank"
    elif isinstance(found, Mapping):
        for key, value in found.items():
            if not (key == "resource" and found.get("type") == "update"):
                yield from _blanks(f"{place}.{key}", value)
    elif isinstance(found, list):
        for number, value in enumerate(found):
            yield from _blanks(f"{place}[{number}]", value)


def _keys(place: str, found: object, known: Mapping[str, bool]) -> Iterator[str]:
    if not isinstance(found, Mapping):
        yield f"{place}: not an object"
        return
    for key in found.keys() - known.keys():
        yield f"{place}: unknown key {key}"
    for key, required in known.items():
        if required and key not in found:
            yield f"{place}: {key} is missing"


def _card(place: str, card: Any, sent: Mapping[str, Any]) -> Iterator[str]:
    yield from _keys(place, card, CARD)
    if not isinstance(card, Mapping):
        return
    yield from _summary(f"{place}.summary", card.get("summary"))
    yield from _detail(f"{place}.detail", card.get("detail", "x"))
    yield from _uuid(f"{place}.uuid", card.get("uuid"))
    if card.get("indicator") not in ("info", "warning", "critical"):
        yield f"{place}.indicator: not one of info, warning, critical"
    yield from _source(f"{place}.source", card.get("source"))
    yield from _behaviour(place, card)
    for number, suggestion in enumerate(_list(card, "suggestions")):
        yield from _suggestion(f"{place}.suggestions[{number}]", suggestion, sent)
    for number, reason in enumerate(_list(card, "overrideReasons")):
        yield from _texts(f"{place}.overrideReasons[{number}]", reason, CODING)
    for number, link in enumerate(_list(card, "links")):
        yield from _link(f"{place}.links[{number}]", link)
    if "extension" in card:
        yield from _extension(f"{place}.extension", card["extension"])


def _list(found: Mapping[str, Any], key: str) -> list[Any]:
    value = found.get(key, [])
    return value if isinstance(value, list) else [f"{key} is not a list"]


def _texts(place: str, found: object, known: Mapping[str, bool]) -> Iterator[str]:
    """Keys as known, and a string that is not blank under each that is there."""
    yield from _keys(place, found, known)
    if isinstance(found, Mapping):
        for key in set(FEEDBACK_TEXTS) & found.keys():
            if not isinstance(found[key], str) or not found[key].strip():
                yield f"{place}.{key}: not a text"


def _summary(place: str, summary: object) -> Iterator[str]:
    if not isinstance(summary, str) or not summary.strip():
        yield f"{place}: not a text"
        return
    utf16 = len(summary.encode("utf-16-le", "surrogatepass")) // 2
    if len(summary) >= 140 or utf16 >= 140:
        yield f"{place}: {len(summary)} code points, {utf16} UTF-16 units; fewer than 140 allowed"
    if not summary.isprintable():
        yield f"{place}: holds a line break or an unprintable character"
    if re.search(r"<[A-Za-z/!?]", summary) or "](" in summary:
        yield f"{place}: holds markup"


def _detail(place: str, detail: object) -> Iterator[str]:
    if not isinstance(detail, str):
        yield f"{place}: not a text"
        return
    for token in every_token(MARKDOWN.parse(detail)):
        if token.type in ("html_block", "html_inline"):
            yield f"{place}: raw HTML"
        elif token.type == "table_open":
            yield f"{place}: a table"
        elif token.type == "image":
            yield f"{place}: an image"
        elif token.type == "link_open":
            yield from _web_address(f"{place} (link)", token.attrGet("href"))


def every_token(tokens: Iterable[Token]) -> Iterator[Token]:
    """Blocks and what stands in them."""
    for token in tokens:
        yield token
        yield from every_token(token.children or ())


def _uuid(place: str, found: object) -> Iterator[str]:
    if not isinstance(found, str) or not UUID.fullmatch(found):
        yield f"{place}: not a lower-case RFC 4122 UUID"


def _source(place: str, source: Any) -> Iterator[str]:
    yield from _texts(place, source, SOURCE)
    if not isinstance(source, Mapping):
        return
    for key in {"url", "icon"} & source.keys():
        yield from _web_address(f"{place}.{key}", source[key])
    if "topic" in source:
        yield from _texts(f"{place}.topic", source["topic"], CODING)
        if len(str(source["topic"].get("code"))) > 100:
            yield f"{place}.topic.code: longer than 100 characters"


def _behaviour(place: str, card: Mapping[str, Any]) -> Iterator[str]:
    if "suggestions" in card and card.get("selectionBehavior") not in ("at-most-one", "any"):
        yield f"{place}.selectionBehavior: neither at-most-one nor any, beside suggestions"
    if "suggestions" not in card and "selectionBehavior" in card:
        yield f"{place}.selectionBehavior: without suggestions"
    chosen = [s for s in _list(card, "suggestions") if isinstance(s, Mapping)]
    if any(suggestion.get("isRecommended") for suggestion in chosen):
        yield f"{place}.suggestions: one is pre-selected"


def _suggestion(place: str, suggestion: Any, sent: Mapping[str, Any]) -> Iterator[str]:
    yield from _texts(place, suggestion, SUGGESTION)
    if isinstance(suggestion, Mapping):
        yield from _uuid(f"{place}.uuid", suggestion.get("uuid"))
        for number, action in enumerate(_list(suggestion, "actions")):
            yield from _action(f"{place}.actions[{number}]", action, sent)


def _action(place: str, action: Any, sent: Mapping[str, Any]) -> Iterator[str]:
    yield from _texts(place, action, ACTION)
    if not isinstance(action, Mapping):
        return
    kind = action.get("type")
    if kind not in ("create", "update", "delete"):
        yield f"{place}.type: not one of create, update, delete"
    elif kind == "delete":
        yield from _deleted(place, action, sent)
    elif not isinstance(action.get("resource"), Mapping):
        yield f"{place}.resource: not an object"
    elif "resourceId" in action:
        yield f"{place}.resourceId: only a delete has one"
    elif kind == "create":
        yield from fhir_faults(f"{place}.resource", action["resource"])
    else:
        yield from _updated(f"{place}.resource", action["resource"], sent)


def _deleted(place: str, action: Mapping[str, Any], sent: Mapping[str, Any]) -> Iterator[str]:
    if "resource" in action:
        yield f"{place}.resource: a delete has none"
    target = action.get("resourceId")
    if not isinstance(target, str) or not RESOURCE_ID.fullmatch(target):
        yield f"{place}.resourceId: not a relative reference Type/id"
    elif sent and target not in sent:
        yield f"{place}.resourceId: no draft of the request"


def _updated(place: str, held: Mapping[str, Any], sent: Mapping[str, Any]) -> Iterator[str]:
    if not sent:
        yield from fhir_faults(place, held)
        return
    draft = sent.get(f"{held.get('resourceType')}/{held.get('id')}")
    if draft is None:
        yield f"{place}: no draft of the request"
        return
    changed = {key for key in draft.keys() | held.keys() if draft.get(key) != held.get(key)}
    for key in changed - {"status", "statusReason"}:
        yield f"{place}.{key}: changed"


def fhir_faults(place: str, resource: Mapping[str, Any]) -> Iterator[str]:
    """As FHIR R4: shape and types by the library, the closed lists of words by us."""
    try:
        model = get_fhir_model_class(str(resource.get("resourceType")))
        model.model_validate(resource)
    except (ValueError, LookupError) as error:
        yield f"{place}: not valid FHIR R4: {error}"
        return
    for field in model.model_fields.values():
        extra = field.json_schema_extra
        allowed = extra.get("enum_values") if isinstance(extra, Mapping) else None
        if isinstance(allowed, list) and resource.get(str(field.alias), allowed[0]) not in allowed:
            yield f"{place}.{field.alias}: not valid FHIR R4: not one of {allowed}"


def _link(place: str, link: Any) -> Iterator[str]:
    yield from _texts(place, link, LINK)
    if not isinstance(link, Mapping):
        return
    if link.get("type") not in ("absolute", "smart"):
        yield f"{place}.type: neither absolute nor smart"
    if link.get("type") == "absolute" and "appContext" in link:
        yield f"{place}.appContext: only a smart link has one"
    yield from _web_address(f"{place}.url", link.get("url"))


def _web_address(place: str, url: object) -> Iterator[str]:
    parts = urlsplit(url) if isinstance(url, str) else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.netloc:
        yield f"{place}: not an absolute http(s) address"


def _extension(place: str, extension: Any) -> Iterator[str]:
    """Ours: which orders the card is about, by which rule, and when it was judged."""
    yield from _keys(place, extension, {"cds-service.card": True})
    ours = extension.get("cds-service.card") if isinstance(extension, Mapping) else None
    if not isinstance(ours, Mapping):
        yield f"{place}: not an object"
        return
    for key in ("rule", "evaluated"):
        if key not in ours:
            yield f"{place}: {key} is missing"
    for reference in _list(ours, "orders"):
        if not RESOURCE_ID.fullmatch(str(reference)):
            yield f"{place}.orders: not a relative reference Type/id"


def _unique_ids(cards: Iterable[Any]) -> Iterator[str]:
    found = [
        each.get("uuid")
        for card in cards
        if isinstance(card, Mapping)
        for each in (card, *_list(card, "suggestions"))
        if isinstance(each, Mapping)
    ]
    if len(found) != len(set(found)):
        yield "cards: a uuid is used twice"


def _in_order(cards: Iterable[Any]) -> Iterator[str]:
    ranks = {"critical": 0, "warning": 1, "info": 2}
    urgency = [
        ranks.get(str(card.get("indicator")), 3) for card in cards if isinstance(card, Mapping)
    ]
    if urgency != sorted(urgency):
        yield "cards: not most urgent first"


def _epic(place: str, card: Mapping[str, Any]) -> Iterator[str]:
    """What Epic documents: any choice, one action of a known kind, its description alone shown."""
    if "suggestions" in card and card.get("selectionBehavior") != "any":
        yield f"{place}.selectionBehavior: not any"
    topic = card.get("source", {}).get("topic", {}).get("code")
    if not isinstance(topic, str) or not re.fullmatch(r"[A-Za-z0-9-]{1,100}", topic):
        yield f"{place}.source.topic.code: not up to 100 letters, digits and hyphens"
    told = html.unescape(card.get("detail", "")).replace("\\", "")
    for number, suggestion in enumerate(_list(card, "suggestions")):
        yield from _epic_suggestion(f"{place}.suggestions[{number}]", suggestion, told)


def _epic_suggestion(place: str, suggestion: Mapping[str, Any], told: str) -> Iterator[str]:
    actions = suggestion.get("actions", [])
    if len(actions) != 1:
        yield f"{place}.actions: {len(actions)} instead of one"
    if "isRecommended" in suggestion:
        yield f"{place}.isRecommended: pre-selects"
    for action in actions:
        type_ = action.get("resource", {}).get("resourceType")
        kind = (action["type"], type_ or action.get("resourceId", "").partition("/")[0])
        if kind not in EPIC_ACTIONS:
            yield f"{place}.actions: Epic documents no {' of '.join(kind)}"
        advice = str(suggestion.get("label")).removesuffix(" (remove the draft)").rstrip("…")
        if advice not in action["description"]:
            yield f"{place}.actions: the description says less than the label"
        if advice not in told:
            yield f"{place}: the advice does not stand in the detail"
