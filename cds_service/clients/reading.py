"""The clients file (YAML): every mistake in it is found at once, and one is enough to refuse it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from cds_service.clients.addresses import fhir_server, key_url, origin
from cds_service.clients.entry import Entry
from cds_service.clients.key_set import ASYMMETRIC, KeySetError, read_key_set
from cds_service.clients.model import ALGORITHMS, RESERVED_NAMES, Client
from cds_service.errors import CDSServiceError

_FIELDS = (
    "algorithms",
    "audiences",
    "card_extension",
    "cors_origins",
    "dialect",
    "fhir_servers",
    "issuer",
    "keys",
    "max_token_hours",
    "name",
    "profile",
    "quiet_hours",
    "refuse_replay",
    "tenants",
)
_LARGEST_FILE = 1024 * 1024
_MERGE = "tag:yaml.org,2002:merge"
_HOUR_SECONDS = 3600


class ClientsError(CDSServiceError):
    """The clients file cannot be used; the service refuses to start.

    ``problems`` holds every one, each as ``clients[0].issuer: what is wrong; what to do``. No key
    and no other value of the file is repeated.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def read_clients(path: Path) -> tuple[Client, ...]:
    """The clients a file describes, in its order, at least one.

    Key files are looked at too, so that a wrong one stops the start and not a call.

    Raises:
        ClientsError: with every problem found.
    """
    problems: list[str] = []
    tree = _tree(path, problems)
    clients: list[Client] = []
    if not problems:
        top = Entry(tree, "", problems)
        if top.is_mapping:
            top.only(("clients",))
            clients = [_client(each, path.parent) for each in top.items("clients")]
            problems += _repeated(clients)
    if problems:
        raise ClientsError(problems)
    return tuple(clients)


class _Loader(yaml.SafeLoader):
    """YAML's plain types only; a key that stands twice is noted, not overwritten in silence."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.repeated: list[str] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping, after looking for keys that stand twice."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag != _MERGE and str(key.value) in seen:
                line = key.start_mark.line + 1
                self.repeated.append(f"line {line}: a field is given twice; keep one of them")
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def _tree(path: Path, problems: list[str]) -> object:
    """What the YAML file holds; None after a problem."""
    try:
        data = path.read_bytes()
    except OSError as error:
        problems.append(f"the file cannot be read: {error.strerror}; name a readable YAML file")
        return None
    if len(data) > _LARGEST_FILE:
        problems.append("the file is larger than a megabyte; is it the right one?")
        return None
    try:
        loader = _Loader(data.decode("utf-8-sig"))
        tree = loader.get_single_data()
    except UnicodeDecodeError:
        problems.append("the file is not UTF-8 text; save it as UTF-8")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problems.append(f"line {mark.line + 1 if mark else 1}: not YAML; mind indents and quotes")
    except (yaml.YAMLError, RecursionError, ValueError):
        problems.append("the file is not YAML as we read it; write plain lists and mappings")
    else:
        problems += loader.repeated
        return tree
    return None


def _client(entry: Entry, folder: Path) -> Client:
    """The client of an entry; meaningless when the entry noted problems."""
    entry.only(_FIELDS if entry.is_mapping else ())
    algorithms = entry.texts("algorithms", _algorithm, ALGORITHMS)
    if not algorithms:
        entry.note("algorithms", "must name at least one; leave it out for ES384 and RS384")
    jwks_url, jwks_file = _keys(entry, folder, algorithms)
    hours = entry.whole("max_token_hours", 1, 168)
    return Client(
        name=entry.text("name", _name),
        issuer=entry.text("issuer"),
        jwks_url=jwks_url,
        jwks_file=jwks_file,
        algorithms=algorithms,
        audiences=entry.texts("audiences"),
        fhir_servers=entry.texts("fhir_servers", fhir_server),
        refuse_replay=entry.flag("refuse_replay", default=True),
        tenants=entry.texts("tenants"),
        cors_origins=entry.texts("cors_origins", origin),
        profile=entry.choice("profile", ("US", "EU")),
        card_extension=entry.flag("card_extension", default=True),
        dialect=entry.choice("dialect", ("standard", "epic")) or "standard",
        quiet_hours=entry.whole("quiet_hours", 0, 8760),
        max_token_seconds=(24 if hours is None else hours) * _HOUR_SECONDS,
    )


def _name(text: str) -> str:
    if text.casefold() in RESERVED_NAMES:
        raise ValueError("is the name of a caller of our own; choose another")
    return text


def _algorithm(text: str) -> str:
    if text not in ASYMMETRIC:
        raise ValueError(f"must be one of {', '.join(ASYMMETRIC)}; never none or HS…")
    return text


def _keys(entry: Entry, folder: Path, algorithms: Sequence[str]) -> tuple[str, Path | None]:
    """The key URL, or the key file; exactly one of them."""
    if not entry.has("keys"):
        entry.note("keys", "is missing; give jwks_url or jwks_file")
        return "", None
    keys = entry.inner("keys")
    if not keys.is_mapping:
        return "", None
    keys.only(("jwks_url", "jwks_file"))
    if keys.has("jwks_url") == keys.has("jwks_file"):
        keys.note("", "must hold exactly one of jwks_url and jwks_file")
        return "", None
    if keys.has("jwks_url"):
        return keys.text("jwks_url", key_url), None
    file = folder / keys.text("jwks_file")
    for problem in _key_file_problems(file, tuple(filter(None, algorithms)) or ASYMMETRIC):
        keys.note("jwks_file", problem)
    return "", file


def _key_file_problems(file: Path, algorithms: Sequence[str]) -> list[str]:
    try:
        found = read_key_set(file.read_bytes())
    except OSError as error:
        return [f"the file cannot be read: {error.strerror}; its path starts at the clients file"]
    except KeySetError as error:
        return [f"the file {error}"]
    problems = []
    if found.holds_secret:
        problems.append(
            "the file holds a private or shared key; keep public keys only, "
            "and replace the key that was given away"
        )
    if not any(name in key.verifiers for key in found.keys for name in algorithms):
        problems.append(
            "the file holds no key for the client's algorithms; a key needs a kid and must be a "
            "public signature key (RSA for RS and PS, P-384 for ES384)"
        )
    return problems


def _repeated(clients: Sequence[Client]) -> list[str]:
    """A name or issuer that two clients share: nobody could tell whose call it is."""
    problems = []
    for field in ("name", "issuer"):
        first: dict[str, int] = {}
        for index, client in enumerate(clients):
            value = getattr(client, field)
            earlier = first.setdefault(value, index)
            if value and earlier != index:
                problems.append(
                    f"clients[{index}].{field}: is that of clients[{earlier}] too; "
                    "every client needs its own"
                )
    return problems
