"""The log: JSON lines, and nothing that a caller sent."""

import json
import logging
import subprocess
import sys

import pytest

from cds_service.errors import CDSServiceError
from cds_service.log import JSONFormatter, configuration


def line(record: logging.LogRecord) -> dict:
    written = JSONFormatter().format(record)
    assert "\n" not in written
    return json.loads(written)


def record(name: str, message: str, *args: object, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.INFO, "/x/y.py", 7, message, args, None)
    vars(made).update(fields)
    return made


def failed(error: Exception, cause: Exception | None = None) -> logging.LogRecord:
    try:
        raise error from cause
    except Exception:
        made = record("cds_service.web", "unexpected error")
        made.exc_info = sys.exc_info()
        return made


def test_a_line_of_ours_has_time_level_event_and_fields():
    told = line(record("cds_service.web", "request answered", status=200, ms=1.5))

    assert told.pop("time").endswith("+00:00")
    assert told == {"level": "INFO", "event": "request answered", "status": 200, "ms": 1.5}


@pytest.mark.parametrize(
    ("message", "args", "event"),
    [
        ("GET %s", ("/fhir/Patient/1288992",), "GET %s"),
        ("Invalid request from ip=127.0.0.1: /Jane", (), "Invalid request from ip=127.0.0.1"),
        ("Traceback (most recent call last):\n  Jane", (), "Traceback (most recent call last)"),
        ("Control server\nJane", (), "Control server"),
        ("Listening at: %s (%s)", ("http://127.0.0.1:8080", 7), None),
    ],
)
def test_a_line_of_a_library_keeps_only_what_its_source_says(message, args, event):
    told = line(record("gunicorn.error", message, *args))

    assert told["event"] == (event or message % args)
    assert told["logger"] == "gunicorn.error"
    assert "Jane" not in str(told)
    assert "1288992" not in str(told)


def test_a_line_of_a_library_that_was_formatted_before_it_came_is_not_repeated():
    told = line(record("somewhere.else", "GET /fhir/Patient?name=Jane"))

    assert told["event"] == "a library said something"
    assert (told["logger"], told["line"]) == ("somewhere.else", "y:7")


@pytest.mark.parametrize("name", ["sqlalchemy", "alembic", "urllib3", "requests", "psycopg"])
def test_libraries_that_tell_everything_at_debug_stay_quiet(name):
    assert configuration("DEBUG")["loggers"][name] == {"level": "WARNING"}


def test_a_foreign_exception_is_told_by_type_and_place_without_its_message():
    told = line(failed(KeyError("Jane"), ValueError("Roe")))

    assert told["error"]["type"] == "KeyError"
    assert told["error"]["cause"]["type"] == "ValueError"
    assert "Jane" not in str(told)
    assert "Roe" not in str(told)


def test_an_exception_of_ours_is_told_with_its_message():
    told = line(failed(CDSServiceError("rules/x.yaml:3: no such fact")))

    assert told["error"]["message"] == "rules/x.yaml:3: no such fact"


def test_a_field_that_json_does_not_know_is_told_as_text():
    assert line(record("cds_service", "x", where=Exception))["where"] == "<class 'Exception'>"


def test_the_servers_access_line_is_off_because_it_holds_the_query():
    assert configuration("DEBUG")["loggers"]["gunicorn.access"]["level"] == "CRITICAL"


PROGRAM = """
import logging, threading, warnings
from cds_service.log import configure
configure("DEBUG")
logging.getLogger("cds_service.x").debug("ours")
logging.getLogger("gunicorn.error").info("Booting worker with pid: %s", 7)
logging.getLogger("gunicorn.access").info("GET /?patient=Jane")
logging.getLogger("werkzeug").info("%s", "Jane")
warnings.warn("Jane")
def fall():
    raise ValueError("Jane")
thread = threading.Thread(target=fall)
thread.start()
thread.join()
class Falling:
    def __del__(self):
        raise ValueError("Jane")
Falling()
logging.getLogger("cds_service.x").info("two %s %s", "Jane")
fall()
"""


def test_everything_a_process_says_on_standard_error_is_json():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)

    told = [json.loads(each) for each in done.stderr.splitlines()]
    assert done.returncode == 1
    assert done.stdout == ""
    assert "Jane" not in done.stderr
    events = [each["event"] for each in told]
    assert events[:2] == ["ours", "Booting worker with pid: 7"]
    assert events[-3:] == ["uncaught exception"] * 3


def test_gunicorn_takes_the_same_configuration():
    program = """
import gunicorn.config, gunicorn.glogging
from cds_service.log import configuration
config = gunicorn.config.Config()
config.set("logconfig_dict", configuration("INFO"))
log = gunicorn.glogging.Logger(config)
log.info("Listening at: %s (%s)", "http://127.0.0.1:8080", 7)
log.debug("hidden")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    (told,) = map(json.loads, done.stderr.splitlines())
    assert told["event"] == "Listening at: http://127.0.0.1:8080 (7)"
