"""How large a page of many checks is, how long it takes to make, and when a browser lets a reader use it."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, sync_playwright

from bench.figures import Figure
from bench.synthetic import CHECKS, synthetic_run
from harness.reports.html import html_page
from harness.reports.run import Run

_ROUNDS = 9
_WHEN_USABLE = """
() => new Promise((done) => {
  const loaded = performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd;
  new PerformanceObserver((list) => done(Math.max(loaded, ...list.getEntries().map((one) => one.startTime))))
    .observe({ type: "paint", buffered: true });
})
"""
"""The script has run, and the page is painted."""
_TO_NEXT_FRAME = """
() => new Promise((done) => {
  const began = performance.now();
  %s;
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
})
"""
_FILTER = _TO_NEXT_FRAME % "document.querySelector('.chip').click()"
_OPEN = _TO_NEXT_FRAME % "document.querySelector('.check[data-heavy] summary').click()"


def figures() -> Iterator[Figure]:
    """Measure the page of `CHECKS` checks."""
    run = synthetic_run()
    took = median(_timed(run) for _ in range(_ROUNDS))
    page = html_page(run)
    conditions = f"{CHECKS} checks, {sum(bool(result.evidence.dialogues) for result in run.results)} findings"
    yield Figure("make the page of a run", took * 1e3, "ms", conditions)
    yield Figure("size of the page of a run", len(page.encode()) / 1e6, "MB", conditions)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder, "report.html")
        path.write_text(page, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for work, value in _in_browser(browser, path):
            yield Figure(work, value, "ms", f"{conditions}, chromium {browser.version}, median of {_ROUNDS}")
        browser.close()


def _timed(run: Run) -> float:
    began = time.perf_counter()
    html_page(run)
    return time.perf_counter() - began


def _in_browser(browser: Browser, path: Path) -> Iterator[tuple[str, float]]:
    """Yield how long it takes until a reader can use the page, and until it has done what is asked."""
    ready, filtered, opened = [], [], []
    for _ in range(_ROUNDS):
        page = browser.new_page()
        page.goto(path.as_uri())
        ready.append(page.evaluate(_WHEN_USABLE))
        filtered.append(page.evaluate(_FILTER))
        opened.append(page.evaluate(_OPEN))
        page.close()
    yield "page painted and its script ready", median(ready)
    yield "filter by outcome, to the next frame", median(filtered)
    yield "open a check with its dialogue, to the next frame", median(opened)
