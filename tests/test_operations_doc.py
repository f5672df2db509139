"""docs/operations.md names what there is: settings, fields of a client, metrics, commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from web_parts import app

from cds_service.cli import main
from cds_service.clients.reading import _FIELDS
from cds_service.settings import KNOWN

PAGE = (Path(__file__).parent.parent / "docs" / "operations.md").read_text("utf-8")
COMMANDS = sorted(set(re.findall(r"cds-service ((?:log|store|rules) [a-z]+)", PAGE)))


def section(title: str) -> str:
    """The text under a heading."""
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def in_first_column(text: str) -> set[str]:
    """Everything in code marks in the first column of a table."""
    cells = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_every_setting_is_explained() -> None:
    assert in_first_column(section("Settings")) - {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"} == KNOWN


def test_the_clients_file_shows_every_field() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", section("The clients file"), re.DOTALL)
    (entry,) = yaml.safe_load(example)["clients"]

    assert entry.keys() == set(_FIELDS)


def test_every_metric_is_explained() -> None:
    client = app().test_client()
    told = set(re.findall(r"^# TYPE (\w+)", client.get("/metrics").text, re.MULTILINE))

    assert in_first_column(section("Metrics")) == {
        name for name in told if not name.endswith("_created")
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_there(command: str) -> None:
    assert CliRunner().invoke(main, [*command.split(), "--help"]).exit_code == 0


def test_every_page_it_names_is_there() -> None:
    for page in re.findall(r"\]\((?!https?:)([^)#]+)", PAGE):
        assert (Path(__file__).parent.parent / "docs" / page).exists(), page
