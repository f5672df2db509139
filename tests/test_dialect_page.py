"""The page about EHRs says what the service says of itself."""

from __future__ import annotations

from pathlib import Path

from flask.testing import FlaskClient

PAGE = (Path(__file__).parent.parent / "docs" / "dialects.md").read_text("utf-8")


def test_the_keys_to_be_typed_in_at_epic_are_those_of_discovery(client: FlaskClient) -> None:
    """
    Epic reads no discovery: what the page does not name is never sent.
    """
    for service in client.get("/cds-services").get_json()["services"]:
        keys = ", ".join(f"`{key}`" for key in service["prefetch"])
        assert f"| `{service['id']}` | {keys} |" in PAGE
        assert f"`{{CDS_PUBLIC_URL}}/cds-services/{service['id']}` | {service['hook']} |" in PAGE


def test_the_only_token_is_the_one_the_page_names(client: FlaskClient) -> None:
    for service in client.get("/cds-services").get_json()["services"]:
        for template in service["prefetch"].values():
            assert template.replace("{{context.patientId}}", "").count("{{") == 0
