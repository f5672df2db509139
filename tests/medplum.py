"""A real FHIR R4 server for tests: Medplum's router over memory, from ``tests/fhir_server``."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from cds_service.strict_json import dumps, parse

Resource = Mapping[str, Any]

FOLDER = Path(__file__).parent / "fhir_server"
TOKEN = "token-of-this-call-only"
PAGE = 10
"""Resources on a page at most, whatever ``_count`` asks: even a small chart has several pages."""

INSTALLED_WITHIN = 300
ANSWERED_WITHIN = 30

HAS_NODE = shutil.which("node") is not None
WITHOUT_NODE = "Node.js is not installed; the FHIR server of these tests needs 20.19 or newer"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that a tenant of the server received; ``allowed``: it carried the token."""

    method: str
    tenant: str
    path: str
    allowed: bool


class Medplum:
    """The running server. Each tenant is a FHIR server of its own, empty at first."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http = requests.Session()
        self._http.trust_env = False  # no proxy between this machine and itself
        self._http.headers["Authorization"] = f"Bearer {TOKEN}"

    def base(self, tenant: str) -> str:
        """Where the FHIR server of a tenant is."""
        return f"{self._url}/{tenant}/fhir/R4"

    def store(self, tenant: str, resources: Iterable[Resource]) -> list[Resource]:
        """Keep resources under the ids they have; what the server made of them comes back."""
        entries = [
            {
                "resource": resource,
                "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"},
            }
            for resource in resources
        ]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        stored = self._http.post(self.base(tenant), dumps(bundle), timeout=ANSWERED_WITHIN)
        assert stored.status_code == 200, stored.text
        kept = parse(stored.content)["entry"]
        assert {entry["response"]["status"] for entry in kept} <= {"200", "201"}, stored.text
        return [entry["resource"] for entry in kept]

    def get(self, tenant: str, query: str) -> Any:
        """The answer to a read or search: ``Patient/1``, ``Goal?patient=1``."""
        found = self._http.get(f"{self.base(tenant)}/{query}", timeout=ANSWERED_WITHIN)
        assert found.status_code == 200, found.text
        return parse(found.content)

    def asked(self) -> list[Asked]:
        """What was asked since this was last called."""
        kept = self._http.delete(f"{self._url}/requests", timeout=ANSWERED_WITHIN)
        return [Asked(**each) for each in kept.json()]

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()


@contextmanager
def medplum() -> Iterator[Medplum]:
    """The server, running for as long as it is used; it needs Node."""
    _install()
    command = ["node", "server.mjs", TOKEN, str(PAGE)]
    with subprocess.Popen(
        command, cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            started = process.stdout.readline()
            assert started, "the FHIR server did not start; it said why on standard error"
            server = Medplum(json.loads(started)["url"])
            yield server
            server.close()
        finally:
            process.kill()


def _install() -> None:
    """Fetch the packages of the lock file, unless they are there already."""
    installed = FOLDER / "node_modules" / ".package-lock.json"
    wanted = FOLDER / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= wanted.stat().st_mtime:
        return
    command = ["npm", "ci", "--no-audit", "--no-fund"]
    done = subprocess.run(
        command, cwd=FOLDER, capture_output=True, text=True, timeout=INSTALLED_WITHIN
    )
    assert done.returncode == 0, f"npm ci failed in {FOLDER.name}:\n{done.stderr[-2000:]}"
