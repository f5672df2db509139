"""Build hook: the wheel carries the data that stands at the top of the repository.

Left out of editable installs, which read the checkout itself; a copy there would go stale.
"""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DATA = ("rules", "fhir_fixtures", "openapi.yaml")


class PackagedData(BuildHookInterface):
    """Adds the data to the wheel under `cds_service/_data`, where `cds_service.data` looks."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Answer hatchling before it collects files; `version` is "standard" or "editable"."""
        if version == "standard":
            build_data["force_include"].update({name: f"cds_service/_data/{name}" for name in DATA})
