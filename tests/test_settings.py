"""Settings: read once, all problems together, never open when closed was asked for."""

from pathlib import Path

import pytest

from cds_service.data import rules_dir
from cds_service.settings import MEGABYTE, Settings, SettingsError


def problems(**environment: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment(environment)
    return refused.value.problems


def test_nothing_set_is_the_sandbox_on_this_machine():
    settings = Settings.from_environment({"PATH": "/bin", "CDS_PORT": "  "})

    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.public_url == "http://127.0.0.1:8080"
    assert settings.workers >= 1
    assert settings.rules_dir == rules_dir()
    assert settings.profile == "US"
    assert settings.max_body_bytes == 10 * MEGABYTE
    assert settings.log_level == "INFO"
    assert settings == Settings()


def test_every_variable_is_read(tmp_path):
    settings = Settings.from_environment(
        {
            "CDS_HOST": "::",
            "CDS_PORT": "443",
            "CDS_WORKERS": "3",
            "CDS_PUBLIC_URL": "https://cds.example.org/ino/",
            "CDS_RULES_DIR": str(tmp_path),
            "CDS_PROFILE": "eu",
            "CDS_MAX_BODY_MB": "0.5",
            "CDS_LOG_LEVEL": "debug",
        }
    )

    assert settings == Settings(
        host="::",
        port=443,
        workers=3,
        public_url="https://cds.example.org/ino",
        rules_dir=tmp_path,
        profile="EU",
        max_body_bytes=MEGABYTE // 2,
        log_level="DEBUG",
    )


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://0.0.0.0:9000"), ("::1", "http://[::1]:9000"), ("cds", "http://cds:9000")],  # noqa: S104 - The address is read here, never bound.
)
def test_the_public_url_follows_host_and_port(host, url):
    assert Settings.from_environment({"CDS_HOST": host, "CDS_PORT": "9000"}).public_url == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("CDS_PORT", value) for value in ("0", "65536", "http", "-1", "8080.0", "٨٠")),
        *(("CDS_WORKERS", value) for value in ("0", "many", "1000")),
        *(("CDS_HOST", value) for value in ("http://x", "a b", "x/y")),
        *(
            ("CDS_PUBLIC_URL", value)
            for value in (
                "cds.example.org",
                "ftp://x",
                "https://",
                "https://u:p@x",
                "https://x?a=1",
            )
        ),
        *(
            ("CDS_PUBLIC_URL", value)
            for value in ("https://x:port", "https://[::1", "https://x/#a")
        ),
        ("CDS_RULES_DIR", "/nowhere/at/all"),
        ("CDS_RULES_DIR", __file__),
        *(("CDS_PROFILE", value) for value in ("UK", "U S")),
        *(("CDS_MAX_BODY_MB", value) for value in ("0", "-1", "NaN", "ten", "1e9", "Infinity")),
        ("CDS_LOG_LEVEL", "LOUD"),
        ("CDS_DATABASE_URL", "var/cds.sqlite"),
        *(("CDS_FHIR_DEADLINE_MS", value) for value in ("0", "2s", "1.5")),
    ],
)
def test_a_wrong_value_is_a_problem_of_that_variable(name, value):
    (problem,) = problems(**{name: value})

    assert problem.startswith(f"{name}: must be ")


def test_every_problem_is_told_at_once():
    told = problems(CDS_PORT="x", CDS_PROFILE="x", CDS_LOG_LEVEL="x", CDS_CLIENTS="clients.yaml")

    assert {problem.split(":")[0] for problem in told} == {
        "CDS_PORT",
        "CDS_PROFILE",
        "CDS_LOG_LEVEL",
        "CDS_CLIENTS",
    }


@pytest.mark.parametrize("value", ["", "  "])
def test_the_service_does_not_run_open_when_clients_were_to_be_named(value):
    """An empty CDS_CLIENTS is a variable that was meant to be filled in."""
    (problem,) = problems(CDS_CLIENTS=value)

    assert "CDS_CLIENTS: must name the clients file" in problem


def test_every_problem_of_the_clients_file_is_told_with_the_others(tmp_path):
    file = tmp_path / "clients.yaml"
    file.write_text("clients: [{name: General Hospital, issuer: '', kees: x}]")

    told = problems(CDS_CLIENTS=str(file), CDS_PORT="x")

    assert [problem.rpartition(": ")[0] for problem in told if "CLIENTS" in problem] == [
        "CDS_CLIENTS: clients[0].kees",
        "CDS_CLIENTS: clients[0].keys",
        "CDS_CLIENTS: clients[0].issuer",
    ]
    assert "CDS_PORT" in {problem.split(":")[0] for problem in told}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("CDS_CLIENT", "CDS_CLIENTS"),
        ("CDS_CLIENTS_FILE", "CDS_CLIENTS"),
        ("CDS_LOGLEVEL", "CDS_LOG_LEVEL"),
    ],
)
def test_a_misspelt_name_is_not_passed_over(name, meant):
    (problem,) = problems(**{name: "x"})

    assert f"did you mean {meant}?" in problem


def test_other_peoples_variables_are_left_alone():
    assert Settings.from_environment({"CDS_HOOKS_SANDBOX": "x", "HOST": "?"}) == Settings()


def test_a_password_in_a_wrong_url_is_not_repeated():
    (problem,) = problems(CDS_DATABASE_URL="postgres:secret")

    assert "secret" not in problem


def test_a_database_that_cannot_hold_the_card_log_is_told_with_everything_else():
    told = problems(CDS_DATABASE_URL="gopher://x", CDS_PROFILE="FR")

    assert [each.partition(":")[0] for each in told] == ["CDS_PROFILE", "CDS_DATABASE_URL"]


def test_store_and_fhir_settings_are_read():
    settings = Settings.from_environment(
        {
            "CDS_DATABASE_URL": "postgresql+psycopg://cds:secret@db/cds",
            "CDS_FHIR_DEADLINE_MS": "1500",
            "CDS_HASH_KEY": "k" * 32,
            "CDS_QUIET_HOURS": "0",
        }
    )
    assert settings.fhir_deadline_ms == 1500
    assert settings.quiet_hours == 0
    assert "secret" not in repr(settings)
    assert "kkkk" not in repr(settings)


def test_the_sqlite_file_lies_under_the_var_folder(tmp_path):
    settings = Settings.from_environment({"CDS_VAR_DIR": str(tmp_path)})
    assert settings.database_url == f"sqlite:///{tmp_path}/cds.sqlite"


def test_rules_that_are_missing_from_the_install_are_a_problem(monkeypatch, tmp_path):
    def missing() -> Path:
        raise FileNotFoundError("rules is missing")

    monkeypatch.setattr("cds_service.settings.rules_dir", missing)

    (problem,) = problems()
    assert problem == "CDS_RULES_DIR: rules is missing"
    elsewhere = Settings.from_environment({"CDS_RULES_DIR": str(tmp_path)})
    assert elsewhere.rules_dir == tmp_path
