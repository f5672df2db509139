"""Where the bundled data lies: rules, fixtures and the API description.

A wheel carries them inside the package (`hatch_build.py` puts them there);
in a checkout they stand at the top of the repository.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def rules_dir() -> Path:
    """The folder of the bundled rulebook. Raises FileNotFoundError when the install lacks it."""
    return _bundled("rules")


def fixtures_dir() -> Path:
    """The folder of the synthetic patients. Raises FileNotFoundError when the install lacks it."""
    return _bundled("fhir_fixtures")


def openapi_file() -> Path:
    """The OpenAPI description. Raises FileNotFoundError when the install lacks it."""
    return _bundled("openapi.yaml")


def _bundled(name: str) -> Path:
    places = (_PACKAGE / "_data" / name, _PACKAGE.parent / name)
    for place in places:
        if place.exists():
            return place
    raise FileNotFoundError(
        f"{name} is missing: looked for {places[0]} and {places[1]}; "
        "install cds-service again, or run it from a complete checkout"
    )
