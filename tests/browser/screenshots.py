"""``python -m tests.browser.screenshots`` makes the pictures of docs/img/ anew.

One dot per pixel: they are for reading, not for printing.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser

from tests.browser.bench import Bench
from tests.browser.chromium import PHONE, Watch, chromium
from tests.servers import Served, serving

FOLDER = Path(__file__).parents[2] / "docs" / "img"
LOW = {"width": 1440, "height": 800}
PATIENT = "dana-held-for-liver-toxicity"


def main() -> None:
    """All pictures, over a service of their own with a month of made-up traffic."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        traffic = [sys.executable, "-m", "cds_service", "demo-traffic"]
        subprocess.run(traffic, cwd=folder, check=True)
        with serving(Path(folder)) as service, chromium() as browser:
            _of_all_pages(service, browser)


def _of_all_pages(service: Served, browser: Browser) -> None:
    for name, size in (("wide", LOW), ("phone", PHONE)):
        bench = _window(service, browser, size)
        _take(bench.open("/rules"), f"rules-{name}")
        _take(bench.open("/rules/INO-LIV-02"), f"rule-{name}")
        _take(bench.open("/analytics"), f"analytics-{name}")
        bench.open().fire(PATIENT)
        _take(bench, f"workbench-{name}", at="#answer-heading" if name == "phone" else "")
        _take(bench, f"course-{name}", at="#course-heading")
        _take(bench, f"why-{name}", at="#why-heading")
        bench.page.context.close()
    bench = _window(service, browser, LOW).open().fire(PATIENT)
    bench.page.get_by_label("as a side bar").check()
    _take(bench, "workbench-side-bar")
    bench.page.emulate_media(color_scheme="dark")
    _take(bench, "course-dark", at="#course-heading")


def _window(service: Served, browser: Browser, size: dict[str, int]) -> Bench:
    page = browser.new_context(viewport=size, color_scheme="light").new_page()
    return Bench(page, Watch(page, service.url), service)


def _take(bench: Bench, name: str, at: str = "") -> None:
    """What is in the window, scrolled so that a heading is at its top."""
    bench.page.evaluate(
        "(at) => at ? document.querySelector(at).scrollIntoView() : scrollTo(0, 0)", at
    )
    file = FOLDER / f"{name}.png"
    bench.page.screenshot(path=file)
    print(f"{file.name}: {file.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
