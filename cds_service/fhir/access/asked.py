"""One prefetch key that the call left open, and how it is fetched: a read, or a search by pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from cds_service.fhir.access.exchange import Exchange, FetchError
from cds_service.fhir.bundle import State, entries_in, state_of_read, state_of_search
from cds_service.fhir.hook_call import JSON, HookCall
from cds_service.fhir.peek import Resource, each, text_at
from cds_service.fhir.prefetch import PATIENT_TOKEN

MOST_PAGES = 50
MOST_ENTRIES = 5000


def is_open(key: str, template: str, call: HookCall) -> bool:
    """Whether what was sent leaves a key open."""
    if key not in call.prefetch:
        return True
    return _state(call.prefetch[key], template) is not State.ANSWERED


def _state(value: JSON, template: str) -> State:
    return (state_of_search if _is_search(template) else state_of_read)(value, _type(template))


def _is_search(template: str) -> bool:
    return "?" in template


def _type(template: str) -> str:
    return template.partition("?")[0].partition("/")[0]


class Asked:
    """An open key. ``value`` is at every moment what may be used, even while pages are read.

    It starts as what was sent, if there are resources in that, else as an outcome that says time
    was up; a value is replaced by another, never changed. ``problem`` says in a word or two why
    the answer is not complete, if it is not.
    """

    def __init__(self, key: str, template: str, call: HookCall) -> None:
        """Ask nothing yet."""
        self.key = key
        self.sent: JSON = call.prefetch.get(key)
        self._template = template
        self._patient_id = call.patient_id
        self.problem = ""
        self.value: JSON = None
        self.fail(FetchError("timeout", "timeout"))

    @property
    def state(self) -> State:
        """How the key is answered by now."""
        return _state(self.value, self._template)

    def fail(self, problem: FetchError) -> None:
        """Answer with a failure, unless resources were sent: they are never given up for one."""
        self.problem = problem.why
        self.value = self.sent if any(self._sent_resources()) else problem.outcome()

    def fetch(self, exchange: Exchange) -> None:
        """Answer the key as far as the server lets us."""
        try:
            if _is_search(self._template):
                self._search(exchange)
            else:
                self._read(exchange)
        except FetchError as problem:
            self.fail(problem)

    def leftovers(self) -> list[Resource]:
        """The resources that were sent and are not among those the value holds now."""
        kept = {_identity(entry.resource) for entry in entries_in(self.value)}
        return [each for each in self._sent_resources() if _identity(each) not in kept]

    def _sent_resources(self) -> Iterator[Resource]:
        for entry in entries_in(self.sent):
            if text_at(entry.resource, "resourceType"):
                yield entry.resource

    def _read(self, exchange: Exchange) -> None:
        try:
            self._answer(exchange.get(self._url(exchange)), _type(self._template))
        except FetchError as problem:
            if problem.code != "not-found":
                raise
            self.value, self.problem = None, problem.why

    def _search(self, exchange: Exchange) -> None:
        if _state(self.sent, self._template) is State.TRUNCATED:
            start = f"{exchange.base.url}/"
            if self._follow(exchange, _Pages(self.sent), start):
                return
        url = self._url(exchange)
        page = exchange.get(url)
        self._answer(page, "Bundle")
        if _is_page(page):
            self._follow(exchange, _Pages(page), url)

    def _answer(self, resource: Resource, wanted: str) -> None:
        if resource["resourceType"] == "OperationOutcome":
            is_about_rights = _state(resource, self._template) is State.NOT_ALLOWED
            raise FetchError("forbidden" if is_about_rights else "exception", "OperationOutcome")
        if resource["resourceType"] != wanted:
            raise FetchError("structure", "a resource of another type")
        self.value, self.problem = resource, ""

    def _url(self, exchange: Exchange) -> str:
        return f"{exchange.base.url}/{_filled(self._template, self._patient_id)}"

    def _follow(self, exchange: Exchange, pages: _Pages, start: str) -> bool:
        """Read the pages after the first; whether there was one, and it could be read."""
        seen = {start}
        while pages.next:
            url = exchange.base.resolve(pages.next, start)
            self.problem = _stopped_by(url, seen, pages)
            if self.problem:
                break
            try:
                page = exchange.get(url)
            except FetchError as problem:
                self.problem = problem.why
                break
            if not _is_page(page):
                self.problem = "a page that is no Bundle"
                break
            pages.add(page)
            seen.add(url)
            start = url
            self.value = pages.joined()
        return len(seen) > 1


def _stopped_by(url: str, seen: set[str], pages: _Pages) -> str:
    """Why the next page is not read, empty when it is."""
    if not url:
        return "next page elsewhere"
    if url in seen:
        return "pages in a circle"
    return "too many pages" if len(seen) >= MOST_PAGES or pages.count >= MOST_ENTRIES else ""


class _Pages:
    """Pages of one search as one Bundle."""

    def __init__(self, first: Resource) -> None:
        self._first = first
        self._entries: list[Any] = list(each(first, "entry"))
        self._known = set(map(_identity, _resources(self._entries)))
        self.next = _next_of(first)

    @property
    def count(self) -> int:
        return len(self._entries)

    def add(self, page: Resource) -> None:
        """Take in a page, without what an earlier one had already.

        Things come twice when the chart changes meanwhile; counted once, they do not make up for
        what was pushed out of sight.
        """
        entries = page.get("entry") or []
        self._entries += [e for e in entries if _identity_of_entry(e) not in self._known]
        self._known.update(map(_identity, _resources(entries)))
        self.next = _next_of(page)

    def joined(self) -> dict[str, Any]:
        """One Bundle; its ``next`` link is that of the last page read."""
        links = [link for link in each(self._first, "link") if text_at(link, "relation") != "next"]
        if self.next:
            links.append({"relation": "next", "url": self.next})
        return {**self._first, "link": links, "entry": list(self._entries)}


def _is_page(resource: Resource) -> bool:
    return resource["resourceType"] == "Bundle" and isinstance(resource.get("entry"), list | None)


def _next_of(bundle: Resource) -> str:
    links = [link for link in each(bundle, "link") if text_at(link, "relation") == "next"]
    # A link without an address still says that there is more.
    return (text_at(links[0], "url") or "nowhere:") if links else ""


def _resources(entries: list[Any]) -> list[Resource]:
    return [entry.resource for entry in entries_in({"resourceType": "Bundle", "entry": entries})]


def _identity_of_entry(entry: Any) -> object:
    found = _resources([entry])
    return _identity(found[0]) if found else None


def _identity(resource: Resource) -> object:
    """``Type/id``, or the very object when it has none."""
    resource_id = text_at(resource, "id")
    return f"{text_at(resource, 'resourceType')}/{resource_id}" if resource_id else id(resource)


def _filled(template: str, patient_id: str) -> str:
    """The template as a path and query, with the patient's id and its codes percent-encoded."""
    path, mark, query = template.replace(PATIENT_TOKEN, quote(patient_id, safe="")).partition("?")
    return path + mark + quote(query, safe="/:=&,%._-~")
