"""The pages in a real browser: no error, no request, both colour schemes, a telephone, the keyboard alone."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from sample_runs import DOT, FOUND, HAZARD, NOOP, STARTED, result, run_of

from bench.synthetic import synthetic_run
from harness.conformance.evidence import ASIDE, Dialogue, Evidence, Turn
from harness.reports.difference import difference_of
from harness.reports.html import difference_page, html_page, matrix_page
from harness.reports.matrix import matrix_of
from harness.vocabulary.judging import Outcome

CHROMIUM = shutil.which("chromium")
PHONE = {"width": 360, "height": 740}
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'\u2028\ud800\x00"
TURNS = (
    Turn("S", b"220 mail.example.test ESMTP\r\n", 0.0001),
    Turn("C", b"EHLO cli", 0.0102),
    Turn("C", b"ent\r\n", 0.0150),
    Turn("S", b"250-mail\r\n250 HELP\r\n", 0.2150),
    Turn("C", b"DATA\rno\nline\x00\xc3\xa9\t<b>", 1.5),
    Turn("TLS", b"mail.example.test", 1.6),
    Turn("END", b"", 1.7),
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is not installed: apt-get install chromium")
        pytest.skip("needs Debian's chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Shelf:
    """Puts pages into files and opens them; whatever goes wrong in one is found at its end."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self._browser = browser
        self._folder = folder

    @contextmanager
    def open(self, html: str, *, at: str = "", **options) -> Iterator[Page]:
        path = self._folder / "page.html"
        path.write_text(html, encoding="utf-8")
        wrong: list[str] = []
        with self._browser.new_context(**options) as context:
            page = context.new_page()
            page.on("console", lambda message: wrong.append(f"{message.type}: {message.text}"))
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
            page.on("request", lambda request: wrong.append(request.url) if leaves(request.url) else None)
            page.goto(f"{path.as_uri()}{at}")
            yield page
        assert wrong == []


SHOWN = "all => all.filter((one) => one.checkVisibility()).map((one) => one.id)"
OPEN = "all => all.forEach((one) => { one.open = true; })"
FOCUSED = "(document.activeElement.closest('.check') || document.activeElement).id"
PLACE = "document.activeElement.matches('summary') ? 'check' : document.activeElement.id"
GROUND = "getComputedStyle(document.documentElement).backgroundColor"


def leaves(url: str) -> bool:
    return not url.startswith(("file:", "data:"))


def scheme_after_reload(page: Page) -> str:
    page.reload()
    return scheme_of(page)


@pytest.fixture
def shelf(browser, tmp_path) -> Shelf:
    return Shelf(browser, tmp_path)


def small_run():
    evidence = replace(
        FOUND,
        dialogues=(Dialogue("smtp 127.0.0.1:25", "", TURNS), Dialogue(f"imap 127.0.0.1:143{ASIDE}", "C: x")),
    )
    return run_of(
        result(DOT, Outcome.VIOLATES, evidence), result(NOOP), result(HAZARD, Outcome.NOT_EXPLOITABLE)
    )


def shown(page: Page) -> list[str]:
    return page.eval_on_selector_all(".check", SHOWN)


def focused(page: Page) -> str:
    return page.evaluate(FOCUSED)


def scheme_of(page: Page) -> str:
    """Return the colour scheme by how bright the page is."""
    red = int(re.findall(r"\d+", page.evaluate(GROUND))[0])
    return "light" if red > 127 else "dark"


class TestReport:
    def test_chips_filter_and_the_address_keeps_it(self, shelf):
        with shelf.open(html_page(small_run())) as page:
            assert shown(page) == [NOOP.id, DOT.id, HAZARD.id]
            page.get_by_role("button", name="violates").click()
            assert shown(page) == [DOT.id]
            assert page.locator("#shown").inner_text() == "1 of 3 checks"
            assert page.get_by_role("button", name="violates").get_attribute("aria-pressed") == "true"
            address = page.url
            assert address.endswith("#outcome=violates")
            page.get_by_role("button", name="not-exploitable").click()
            assert shown(page) == [DOT.id, HAZARD.id]
        with shelf.open(html_page(small_run()), at=f"#{address.partition('#')[2]}") as page:
            assert shown(page) == [DOT.id]
            page.get_by_role("button", name="Clear", exact=True).click()
            assert len(shown(page)) == 3
            assert "#" not in page.url

    def test_text_level_and_protocol_filter_together(self, shelf):
        with shelf.open(html_page(small_run())) as page:
            page.get_by_label("Protocol").select_option("imap")
            assert shown(page) == [NOOP.id]
            page.get_by_label("Protocol").select_option("")
            page.get_by_role("searchbox").fill("DOT goes")
            expect(page.locator("#shown")).to_contain_text("1 of")
            assert shown(page) == [DOT.id]
            page.get_by_label("Level").select_option("prose")
            assert shown(page) == []
            assert page.locator("#nothing").is_visible()
            page.locator("#clear-too").click()
            assert len(shown(page)) == 3

    def test_what_hides_its_sections_in_the_matrix_is_dimmed_there(self, shelf):
        with shelf.open(html_page(small_run()), at="#outcome=violates") as page:
            assert page.locator(".cell.off").count() == 2
            page.locator(f".cell[href='#{NOOP.id.rsplit('/', 1)[0]}']").click()
            assert focused(page) == NOOP.id
            assert len(shown(page)) == 3

    def test_an_address_with_an_id_opens_the_check(self, shelf):
        with shelf.open(html_page(small_run()), at=f"#{DOT.id}") as page:
            expect(page.locator(".check[open]")).to_have_id(DOT.id)
            expect(page.locator(".check[open] table.dialogue").first).to_be_visible()

    def test_a_dialogue_shows_who_when_and_every_octet(self, shelf):
        with shelf.open(html_page(small_run()), at=f"#{DOT.id}") as page:
            table = page.locator(".check[open] table.dialogue").first
            table.wait_for()
            rows = [" | ".join(row.split("\t")) for row in table.inner_text().splitlines() if row.strip()]
            text = "\n".join(rows)
            assert "0.0001" in text
            assert "+10 ms" in text
            assert "+200 ms" in text
            lines = table.locator("td.line").all_inner_texts()
            assert lines[:3] == ["220 mail.example.test ESMTP", "EHLO client", "250-mail"]
            assert lines[4] == r"DATA\rno\nline\x00\xc3\xa9\t<b>no CRLF"
            assert table.locator("td.who").all_inner_texts() == ["S:", "C:", "S:", "S:", "C:"]
            notes = table.locator(".note").all_inner_texts()
            assert [note.strip() for note in notes] == [
                "TLS established with mail.example.test",
                "the server ended the connection",
            ]
            assert table.locator(".octet.high").first.get_attribute("title") == "not ASCII"
            assert table.locator(".octet.ctl[title=NUL]").count() == 1
            assert not table.locator(".crlf").first.is_visible()
            page.get_by_role("button", name="Show CRLF").click()
            assert table.locator(".crlf").first.is_visible()
            assert table.locator(".crlf").count() == 4
            asides = page.locator(".check[open] .exchange")
            assert [box.get_attribute("open") for box in asides.all()] == ["", None]

    def test_the_replay_command_can_be_copied(self, shelf):
        with shelf.open(
            html_page(small_run()), at=f"#{DOT.id}", permissions=["clipboard-read", "clipboard-write"]
        ) as page:
            page.locator(".check[open] button.copy").click()
            page.get_by_role("button", name="Copied").wait_for()
            assert page.evaluate("navigator.clipboard.readText()") == FOUND.replay

    def test_the_keyboard_is_enough(self, shelf):
        with shelf.open(html_page(small_run())) as page:
            page.keyboard.press("/")
            assert focused(page) == "text"
            page.keyboard.type("jk/")
            assert page.locator("#text").input_value() == "jk/"
            page.keyboard.press("Escape")
            assert page.locator("#text").input_value() == ""
            expect(page.locator("#shown")).to_have_text("3 checks")
            page.keyboard.press("Escape")
            page.keyboard.press("j")
            assert focused(page) == NOOP.id
            page.keyboard.press("j")
            page.keyboard.press("ArrowDown")
            page.keyboard.press("ArrowUp")
            assert focused(page) == DOT.id
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            page.keyboard.press("Enter")
            expect(page.locator(".check[open]")).to_have_id(DOT.id)
            page.locator(".check[open] table.dialogue").first.wait_for()
            page.keyboard.press("Tab")
            page.keyboard.press("Tab")
            page.keyboard.press("Escape")
            assert page.locator(".check[open]").count() == 0
            assert focused(page) == DOT.id
            page.keyboard.press("k")
            page.keyboard.press("k")
            assert focused(page) == NOOP.id
            page.keyboard.press("?")
            assert page.get_by_role("dialog").is_visible()
            page.keyboard.press("Escape")
            assert not page.get_by_role("dialog").is_visible()

    def test_everything_is_reached_by_tab_from_the_top(self, shelf):
        with shelf.open(html_page(small_run())) as page:
            seen = []
            for _ in range(40):
                page.keyboard.press("Tab")
                seen.append(page.evaluate(PLACE))
            assert {"theme", "text", "level", "group", "check"} <= set(seen)
            assert seen.index("theme") < seen.index("text") < seen.index("check")

    def test_hostile_octets_stay_octets(self, shelf):
        evidence = Evidence(
            expected=HOSTILE,
            actual=HOSTILE,
            input=(HOSTILE,),
            dialogues=(
                Dialogue(HOSTILE, "", (Turn("S", b"</script><script>alert(3)</script>\x00\r\n", 0.1),)),
                Dialogue("in words", f"C: {HOSTILE}"),
            ),
            traceback=HOSTILE,
            replay=HOSTILE,
        )
        info = replace(DOT, title=HOSTILE, statement=HOSTILE)
        run = run_of(result(info, Outcome.VIOLATES, evidence), started=replace(STARTED, target=HOSTILE))
        with shelf.open(html_page(run), at=f"#{DOT.id}") as page:
            assert page.locator("script").count() == 2
            assert page.locator("img").count() == 0
            line = page.locator("td.line").first
            line.wait_for()
            assert line.inner_text() == r"</script><script>alert(3)</script>\x00"
            assert page.locator("td.line").nth(1).inner_text().startswith("</script><script>alert(1)")

    def test_two_thousand_checks_work(self, shelf):
        with shelf.open(html_page(synthetic_run(2_000))) as page:
            assert page.locator("#shown").inner_text() == "2000 checks"
            page.get_by_role("button", name="deviates").click()
            assert page.locator("#shown").inner_text() == "100 of 2000 checks"
            page.get_by_role("searchbox").fill("case 1990,")
            expect(page.locator("#nothing")).to_be_visible()
            page.get_by_role("button", name="Clear", exact=True).click()
            page.keyboard.press("Escape")
            page.locator(".check[data-heavy] > summary").first.click()
            expect(page.locator(".check[open] td.line")).to_have_count(40)

    def test_on_paper_there_is_nothing_to_press(self, shelf):
        with shelf.open(html_page(small_run()), at=f"#{DOT.id}", color_scheme="dark") as page:
            page.locator(".check[open] table.dialogue").first.wait_for()
            page.emulate_media(media="print")
            for pressed in ("#filters", "#theme", "button.copy", "button.ends"):
                assert not page.locator(pressed).first.is_visible()
            assert page.locator("table.dialogue").first.is_visible()
            assert scheme_of(page) == "light"

    def test_without_scripts_every_check_is_still_there(self, shelf):
        with shelf.open(html_page(small_run()), java_script_enabled=False) as page:
            assert page.get_by_text("need JavaScript").is_visible()
            assert page.get_by_role("heading", name="postfix").is_visible()
            assert not page.locator("#filters").is_visible()
            page.locator(f"[id='{DOT.id}'] > summary").click()
            assert page.get_by_text("One dot goes.").is_visible()
            assert page.get_by_text("text: b'.'").is_visible()


PAGES = {
    "report": lambda: html_page(small_run()),
    "large": lambda: html_page(synthetic_run(120)),
    "killed": lambda: html_page(run_of(result(DOT, Outcome.VIOLATES, FOUND), finished=None)),
    "comparison": lambda: matrix_page(matrix_of([small_run(), synthetic_run(30), run_of(result(NOOP))])),
    "wide comparison": lambda: matrix_page(matrix_of([small_run()] * 6)),
    "difference": lambda: difference_page(difference_of(run_of(result(DOT), result(NOOP)), small_run())),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_telephone_shows_all_of_it_without_scrolling_sideways(shelf, name):
    with shelf.open(PAGES[name](), viewport=PHONE) as page:
        page.eval_on_selector_all(
            ".check:nth-child(-n+9)", "all => all.forEach((one) => { one.open = true; })"
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_the_page_follows_the_colour_scheme_until_told_otherwise(shelf, name, scheme):
    with shelf.open(PAGES[name](), color_scheme=scheme) as page:
        assert scheme_of(page) == scheme
        theme = page.get_by_role("button", name="Theme")
        theme.click()
        assert scheme_of(page) == "light"
        theme.click()
        assert scheme_of(page) == "dark"
        # The browser hands what a page stores from process to process, and a reload may overtake it.
        assert "dark" in (scheme_after_reload(page) for _ in range(20))
        page.get_by_role("button", name="Theme").click()
        assert scheme_of(page) == scheme


class TestComparison:
    def page(self) -> str:
        other = run_of(result(DOT), result(NOOP), started=replace(STARTED, target="dovecot"))
        return matrix_page(matrix_of([small_run(), other]))

    def test_first_only_what_differs_then_all(self, shelf):
        with shelf.open(self.page()) as page:
            assert shown(page) == [DOT.id]
            assert page.locator("#shown").inner_text() == "1 of 3 requirements"
            page.get_by_label("Also where they do not differ").check()
            assert shown(page) == [NOOP.id, DOT.id, HAZARD.id]
            assert page.url.endswith("#all=yes")
            page.keyboard.press("/")
            page.keyboard.type("noop")
            expect(page.locator("#shown")).to_contain_text("1 of")
            assert shown(page) == [NOOP.id]

    def test_an_address_with_an_id_shows_it_also_where_the_servers_agree(self, shelf):
        with shelf.open(self.page(), at=f"#{NOOP.id}") as page:
            expect(page.locator(".check[open]")).to_have_id(NOOP.id)

    def test_the_keyboard_moves_between_requirements(self, shelf):
        with shelf.open(self.page(), at="#all=yes") as page:
            page.keyboard.press("j")
            page.keyboard.press("j")
            assert focused(page) == DOT.id
            page.keyboard.press("Enter")
            expect(page.get_by_text("One dot goes.")).to_be_visible()


def test_a_difference_is_searched_and_opened(shelf):
    html = difference_page(difference_of(run_of(result(DOT), result(NOOP, Outcome.VIOLATES)), small_run()))
    with shelf.open(html) as page:
        assert shown(page) == [DOT.id, HAZARD.id, NOOP.id]
        page.get_by_role("searchbox").fill("harmless")
        expect(page.locator("#shown")).to_contain_text("1 of")
        assert shown(page) == [NOOP.id]
        page.keyboard.press("Escape")
        expect(page.locator("#shown")).to_have_text("3 changes")
        page.locator(f"[id='{DOT.id}'] > summary").click()
        assert page.get_by_text("mailproof check postfix.toml").is_visible()
