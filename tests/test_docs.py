"""Pages that are written from the rules say what the rules say."""

from __future__ import annotations

import re
from pathlib import Path

from cds_service.burden import burden_text, measured
from cds_service.clients import read_clients
from cds_service.data import fixtures_dir, rules_dir
from cds_service.rulebook.catalogue import catalogue
from cds_service.rulebook.loader import load_rulebook
from cds_service.terminology import Terminology

DOCS = Path(__file__).parent.parent / "docs"


def test_the_page_of_rules_is_the_rulebook():
    """
    After a change of a rule: ``cds-service rules catalogue > docs/rules.md``.
    """
    rulebook = load_rulebook(rules_dir(), Terminology.load(rules_dir() / "valuesets"))

    assert (DOCS / "rules.md").read_text("utf-8") == catalogue(rulebook)


def test_the_burden_on_the_page_is_the_burden_of_the_cast(client):
    """
    After a change: ``cds-service rules burden fhir_fixtures/requests --at 2026-11-20T09:00:00``.
    """
    page = (DOCS / "alert-burden.md").read_text("utf-8")
    told = "\n".join(burden_text(measured(client, (fixtures_dir() / "requests").glob("*.json"))))

    assert told in page


def test_the_clients_file_of_the_readme_can_be_used_as_it_stands(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", (DOCS.parent / "README.md").read_text(), re.S)
    (tmp_path / "clients.yaml").write_text(example)

    assert [each.name for each in read_clients(tmp_path / "clients.yaml")] == ["General Hospital"]
