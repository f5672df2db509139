"""The wheel is the whole product: installed far from the checkout, it finds its rules."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from zipfile import ZipFile

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements-build.lock", "requirements.lock")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built with the pinned backend and no network."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*command, "--directory", str(folder)], cwd=CHECKOUT, check=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel laid out as an installer would, in a folder of its own."""
    folder = tmp_path_factory.mktemp("site-packages")
    with ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def python(code: str, *, installed: Path, cwd: Path) -> str:
    """What `code` prints when the installed wheel comes before the checkout."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env={"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


def data_files() -> Iterator[str]:
    """Every data file that git would keep, relative to the checkout."""
    command = ["git", "ls-files", "--cached", "--", "rules", "fhir_fixtures", "openapi.yaml"]
    listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True)
    return (name for name in listed.stdout.splitlines() if (CHECKOUT / name).is_file())


def names_in_lock(lock: str) -> set[str]:
    text = (CHECKOUT / lock).read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z0-9.-]+)==", text, flags=re.MULTILINE))


def normalised(requirement: str) -> str:
    """The package name of a requirement as lock files spell it."""
    name = re.split(r"[\s<>=!~;\[]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_wheel_carries_every_rule_every_fixture_and_the_api_description(wheel: Path) -> None:
    carried = set(ZipFile(wheel).namelist())
    missing = {name for name in data_files() if f"cds_service/_data/{name}" not in carried}
    assert not missing


def test_the_wheel_carries_its_types_and_its_licence(wheel: Path) -> None:
    carried = ZipFile(wheel).namelist()
    assert "cds_service/py.typed" in carried
    assert any(name.endswith("dist-info/licenses/LICENSE") for name in carried)


def test_the_wheel_carries_no_tests_and_no_tools(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"cds_service"}


def test_the_wheel_installs_the_console_script(installed: Path) -> None:
    (entry_points,) = installed.glob("*.dist-info/entry_points.txt")
    parsed = ConfigParser()
    parsed.read(entry_points)
    assert parsed["console_scripts"]["cds-service"] == "cds_service.cli:main"


@pytest.mark.parametrize(
    ("question", "name"),
    [("rules_dir", "rules"), ("fixtures_dir", "fhir_fixtures"), ("openapi_file", "openapi.yaml")],
)
def test_an_installed_wheel_uses_its_own_data_from_any_folder(
    installed: Path, tmp_path: Path, question: str, name: str
) -> None:
    code = f"from cds_service.data import {question}; print({question}())"
    answer = python(code, installed=installed, cwd=tmp_path)
    assert Path(answer) == installed / "cds_service" / "_data" / name


def test_an_installed_wheel_finds_its_rulebook_sound_from_any_folder(
    installed: Path, tmp_path: Path
) -> None:
    code = "from cds_service.cli import main; main(['rules', 'lint'])"
    python(code, installed=installed, cwd=tmp_path)


def test_an_installed_wheel_makes_the_tables_of_its_card_log(
    installed: Path, tmp_path: Path
) -> None:
    code = "from cds_service.cli import main; main(['store', 'upgrade'])"
    assert "revision" in python(code, installed=installed, cwd=tmp_path)
    assert (tmp_path / "var" / "cds.sqlite").stat().st_size > 0


def test_every_declared_dependency_is_pinned() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    declared = [*project["project"]["dependencies"], *groups["dev"], *groups["build"]]
    pinned = set().union(*map(names_in_lock, LOCKS))
    assert {normalised(requirement) for requirement in declared} <= pinned


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_packages_and_hashes_but_no_place(lock: str) -> None:
    text = (CHECKOUT / lock).read_text(encoding="utf-8")
    assert "--hash=sha256:" in text
    assert not re.search(r"://|--index-url|--find-links|^-e|(^|\s)\.{0,2}/\w", text, re.MULTILINE)


def test_the_two_locks_agree_where_they_overlap() -> None:
    pins = [
        dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", (CHECKOUT / lock).read_text("utf-8"), re.M))
        for lock in LOCKS
    ]
    shared = pins[0].keys() & pins[1].keys()
    assert {name: pins[0][name] for name in shared} == {name: pins[1][name] for name in shared}
