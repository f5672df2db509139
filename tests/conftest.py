"""How the whole suite runs: the same examples every time, and no clock that fails a test.

`pytest --hypothesis-profile=explore` draws new examples instead. However many tests run, every log
line they cause is searched for patients at the end; see `tests/log_watch.py`.
"""

from collections import Counter
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from hypothesis import settings

from cds_service.app import create_app
from cds_service.settings import Settings
from tests import log_watch
from tests.store_builders import card_log as card_log
from tests.store_builders import empty_place as empty_place
from tests.store_builders import place as place
from tests.store_builders import postgres as postgres
from tests.story import NOW

settings.register_profile("suite", derandomize=True, deadline=None, database=None)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile("suite")

LEAKS = pytest.StashKey[list[str]]()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Tests are shared out among processes by their ids, and of several with one id only one would
    run. Those that schemathesis makes differ in name and not in id, so the name becomes the id.
    """
    for item in items:
        if item.parent and not item.nodeid.endswith(item.name):
            item._id = item.parent.id.child(item.name)
    times = Counter(item.nodeid for item in items)
    if shared := [nodeid for nodeid, number in times.items() if number > 1]:
        raise pytest.UsageError(f"several tests have one id, and only one would run: {shared[:3]}")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEAKS] = []
    log_watch.begin()


def pytest_runtest_setup() -> None:
    log_watch.begin()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A process of a run on several cores has ended: what its lines gave away counts here."""
    node.config.stash[LEAKS] += getattr(node, "workeroutput", {}).get("leaks", [])


def pytest_sessionfinish(session: pytest.Session) -> None:
    leaks = session.config.stash[LEAKS]
    leaks += log_watch.leaks()
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["leaks"] = leaks
    if leaks:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for report in (*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")):
        for name, table in report.user_properties:
            terminalreporter.section(name)
            terminalreporter.line(str(table))
    if leaks := config.stash.get(LEAKS, []):
        terminalreporter.section("log lines that speak of a patient", red=True)
        for leak in leaks[:20]:
            terminalreporter.line(leak)
        terminalreporter.line(f"{len(leaks)} in all: this run has failed")


@pytest.fixture(scope="session")
def client() -> FlaskClient:
    """The whole service with the bundled rules; its clock stands still at ``story.NOW``."""
    numbers = count(1)
    app = create_app(
        Settings(), clock=lambda: NOW, new_id=lambda: str(UUID(int=next(numbers), version=4))
    )
    return app.test_client()
