"""One service and one browser for all tests in a browser; a fresh window for each."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.bench import Bench
from tests.browser.chromium import EXECUTABLE, NOT_FOUND, WIDE, Watch, chromium
from tests.servers import Served, serving

Opening = Callable[..., Bench]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.nodeid and EXECUTABLE is None:
            item.add_marker(pytest.mark.skip(reason=NOT_FOUND))


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The service in sandbox mode, with some days of demonstration traffic."""
    folder = tmp_path_factory.mktemp("service")
    made = [sys.executable, "-m", "cds_service", "demo-traffic", "--days", "4"]
    subprocess.run(
        [*made, "--calls-per-day", "15"],
        cwd=folder,
        env={**os.environ, "CDS_LOG_LEVEL": "ERROR"},
        check=True,
        capture_output=True,
    )
    with serving(folder, CDS_FHIR_DEADLINE_MS="2000") as served:
        yield served


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Closed before other tests run, because the event loop of Playwright would be in their way."""
    with chromium() as started:
        yield started


@pytest.fixture
def opening(service: Served, browser: Browser) -> Iterator[Opening]:
    """Opens windows; after the test nothing bad may have happened in any of them."""
    opened: list[Bench] = []

    def open_window(path: str = "/", **options: object) -> Bench:
        context = browser.new_context(**{"viewport": WIDE, **options})
        context.set_default_timeout(30_000)
        page = context.new_page()
        bench = Bench(page, Watch(page, service.url), service)
        opened.append(bench)
        return bench.open(path)

    yield open_window
    problems = [problem for bench in opened for problem in bench.watch.verdict()]
    for bench in opened:
        bench.page.context.close()
    assert problems == []


@pytest.fixture
def bench(opening: Opening) -> Bench:
    """The workbench in a wide window."""
    return opening()
