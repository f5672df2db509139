"""The served process: it starts, answers, speaks JSON on standard error, and stops when told."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

SERVE = [sys.executable, "-m", "cds_service", "serve"]


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def server(port: int, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "CDS_PORT": str(port), "CDS_WORKERS": "1"}
    with (tmp_path / "stderr").open("w+") as log:
        process = subprocess.Popen(SERVE, env=environment, stderr=log, text=True, cwd=tmp_path)
        yield process
        process.kill()
        process.wait()


def patient_client() -> requests.Session:
    """Asks again while nobody listens yet."""
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=Retry(connect=12, backoff_factor=0.1)))
    return session


def test_it_serves_from_any_folder_and_stops_when_told(server, port, tmp_path):
    with patient_client() as client:
        ready = client.get(f"http://127.0.0.1:{port}/health/ready", timeout=20)
    assert ready.json()["engine"] == "durable-rules and plain evaluator"

    server.send_signal(signal.SIGTERM)
    assert server.wait(timeout=15) == 0

    lines = (tmp_path / "stderr").read_text().splitlines()
    assert lines
    assert all("event" in json.loads(line) for line in lines)


def test_wrong_settings_are_refused_together():
    environment = {**os.environ, "CDS_PORT": "no", "CDS_WORKERS": "0", "CDS_CLIENTS": "x.yaml"}
    refused = subprocess.run(SERVE, env=environment, capture_output=True, text=True, check=False)

    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    problems = json.loads(line)["problems"]
    assert {each.split(":")[0] for each in problems} == {"CDS_PORT", "CDS_WORKERS", "CDS_CLIENTS"}


def test_a_broken_rule_file_is_refused_with_its_place(tmp_path):
    from shutil import copytree

    from cds_service.data import rules_dir

    rules = copytree(rules_dir(), tmp_path / "rules")
    broken = next(rules.glob("liver/ino-liv-01*.yaml"))
    broken.write_text(broken.read_text().replace("times_uln:", "times_ulm:"))
    environment = {**os.environ, "CDS_RULES_DIR": str(rules)}
    refused = subprocess.run(SERVE, env=environment, capture_output=True, text=True, check=False)

    assert refused.returncode == 1
    problems = json.loads(refused.stderr.splitlines()[-1])["problems"]
    assert any("ino-liv-01" in each and "times_uln" in each for each in problems)
