"""No log line of the whole suite speaks of a patient: the search that says so finds what is there.

The search itself runs at the end of every run, see `tests/log_watch.py` and `tests/conftest.py`.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3

from cds_service.log import JSONFormatter
from tests import log_watch
from tests.log_watch import found, identifying, secrets

ROOT = Path(__file__).parent.parent

ADA = {
    "resourceType": "Patient",
    "id": "pt-ada-2207",
    "name": [{"family": "Quillfeather", "given": ["Ada", "Bo"]}],
    "identifier": [{"value": "MRN-20071"}, {"value": "17"}],
    "birthDate": "1979-03-14",
    "telecom": [{"value": "555-0116"}],
    "address": [{"line": ["1 Quill Lane"], "city": "Norrsund"}],
}


def test_what_identifies_a_patient_is_known() -> None:
    assert set(identifying({"prefetch": {"patient": ADA}})) == {
        "pt-ada-2207",
        "Quillfeather",
        "Ada",
        "MRN-20071",
        "1979-03-14",
        "555-0116",
        "1 Quill Lane",
        "Norrsund",
    }


def test_what_a_call_says_of_people_is_known() -> None:
    call = {
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "fhirAuthorization": {"access_token": "not-a-real-token"},
        "context": {"patientId": "Patient/pt-7", "userId": "Practitioner/prac-9"},
        "prefetch": {"x": {"subject": {"reference": "Patient/pt-7", "display": "A. Quillfeather"}}},
    }

    assert set(identifying(call)) == {
        "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "not-a-real-token",
        "pt-7",
        "prac-9",
        "A. Quillfeather",
    }


def test_the_fixtures_name_many_people() -> None:
    assert {"Quillfeather", "pt-ada-2207", "555-0116", "not-a-real-token"} <= secrets()
    assert len(secrets()) > 500


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "hook answered", "patient": "Quillfeather"}',
        '{"event": "Ada was here"}',
        '{"event": "GET /fhir/Patient/pt-ada-2207?x"}',
        '{"event": "Elin \\u00c5kerblad"}',
        '{"event": "Elin Åkerblad"}',
        '{"token": "eyJhbGciOiJFUzM4NCJ9.eyJpc3MiOiJodHRw.c2ln"}',
        '{"header": "Bearer not-even-a-jwt"}',
    ],
)
def test_a_planted_line_is_found(line: str) -> None:
    assert list(found([line], ["Quillfeather", "Ada", "pt-ada-2207", "Åkerblad"]))


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "fixture ada-bilirubin-at-uln"}',
        '{"event": "Adam"}',
        '{"event": "hook answered", "request_id": "pt-ada-22070"}',
        '{"event": "token refused", "header": "Bearer"}',
    ],
)
def test_a_line_that_only_looks_alike_is_not(line: str) -> None:
    assert not list(found([line], ["Quillfeather", "Ada", "pt-ada-2207"]))


PLANTED = """
import logging
import pytest

def test_a_line_with_a_name():
    logging.getLogger("cds_service.x").debug("answered", extra={"who": NAME})
"""


@pytest.mark.parametrize(("name", "code"), [("Quillfeather", 1), ("nobody", 0)])
def test_a_run_whose_tests_pass_fails_when_a_line_speaks_of_a_patient(
    tmp_path: Path, name: str, code: int
) -> None:
    planted = tmp_path / "test_planted.py"
    planted.write_text(PLANTED.replace("NAME", repr(name)))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.conftest",
        "-p",
        "no:cacheprovider",
    ]
    run = subprocess.run(
        [*command, "--rootdir", str(tmp_path), str(planted)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "1 passed" in run.stdout, run.stdout + run.stderr
    assert run.returncode == code
    assert ("log lines that speak of a patient" in run.stdout) is bool(code)


@pytest.mark.parametrize(
    ("logger", "message", "args"),
    [
        ("sqlalchemy.engine.Engine", "[%s] %r", ("generated in 0.1 s", ("Quillfeather",))),
        ("sqlalchemy.pool", "Connection %r checked out", ("user=Quillfeather",)),
        ("alembic.runtime.migration", "Running upgrade %s -> %s, %s", ("", "1", "Quillfeather")),
        ("urllib3.connectionpool", '%s://%s:%s "%s %s %s" %s', ("Quillfeather",) * 7),
        ("urllib3.connectionpool", "Starting new HTTPS connection (%d): %s:%s", (1, "Q", "pt")),
        ("requests", "Quillfeather", ()),
        ("jwt.api_jwt", "claims: Quillfeather", ()),
        ("prometheus_client", "%s", ("Quillfeather",)),
        ("werkzeug", "127.0.0.1 - - GET /Quillfeather", ()),
        ("py.warnings", "%s", ("x.py:1: UserWarning: Quillfeather",)),
    ],
)
def test_a_library_keeps_to_itself_what_it_was_given(
    logger: str, message: str, args: tuple[object, ...]
) -> None:
    record = logging.LogRecord(logger, logging.DEBUG, "/x.py", 1, message, args, None)
    written = JSONFormatter().format(record)

    assert not list(found([written], ["Quillfeather"]))


def test_a_search_on_a_fhir_server_is_not_told_at_any_level() -> None:
    """
    The HTTP library tells every address it asks for at DEBUG; the search holds the patient's id.
    """
    log_watch.begin()
    with urllib3.PoolManager(retries=False) as pool, pytest.raises(urllib3.exceptions.HTTPError):
        pool.request("GET", "http://127.0.0.1:1/Observation?patient=pt-ada-2207")

    assert not [leak for leak in log_watch.leaks() if "pt-ada-2207" in leak]
