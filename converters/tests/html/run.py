#!/usr/bin/env python3
"""Opens pages of `rntuple stat --html` in headless Chromium, without a network, and looks at them.

    cargo build -p rntuple-converters
    python3 converters/tests/html/run.py --rntuple target/debug/rntuple

Besides the page of examples/dimuon.root, it looks at those that the Rust tests keep when they are told where:

    RNTUPLE_KEEP_PAGES=target/html cargo test -p rntuple-converters --test it html
    python3 converters/tests/html/run.py --rntuple target/debug/rntuple target/html/*.html

Playwright comes from PyPI, into a virtual environment of its own; Chromium is that of the machine, or Playwright's. Where
they cannot be had, it says that it skips, and ends with status 77. Screenshots are left beside the pages.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]
PLAYWRIGHT = "playwright==1.65.2"
SKIPPED = 77


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def with_playwright(folder):
    """Goes on in an environment that has Playwright."""
    try:
        import playwright  # noqa: F401

        return
    except ImportError:
        pass
    if os.environ.get("RNTUPLE_HTML_VENV"):
        skip("Playwright was installed and cannot be imported")
    venv = folder / "venv"
    python = venv / "bin" / "python"
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", PLAYWRIGHT], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        skip(f"Playwright cannot be installed: {error}")
    os.execve(python, [python, *sys.argv], {**os.environ, "RNTUPLE_HTML_VENV": "1"})


def browser(playwright):
    from playwright.sync_api import Error

    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            # A container has no sandbox for it; the pages are our own.
            return playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
    try:
        return playwright.chromium.launch()
    except Error:
        command = [sys.executable, "-m", "playwright", "install", "chromium-headless-shell"]
        if subprocess.run(command, check=False).returncode != 0:
            skip("there is no Chromium, and it cannot be installed")
        return playwright.chromium.launch()


AREAS = """() => {
    const map = document.getElementById("map");
    const box = map.getBoundingClientRect();
    return {
        bytes: Number(map.dataset.bytes),
        cells: [...map.querySelectorAll(".cell")].map((cell) => {
            const rect = cell.getBoundingClientRect();
            return [Number(cell.dataset.bytes), (rect.width * rect.height) / (box.width * box.height)];
        }),
    };
}"""


def check_map(page):
    """The cells cover the map, each with its part of the bytes."""
    if page.locator("#map").count() == 0:
        assert "No column has any pages" in page.inner_text("body")
        return
    areas = page.evaluate(AREAS)
    assert sum(size for size, _ in areas["cells"]) == areas["bytes"], "the cells have all bytes"
    whole = sum(area for _, area in areas["cells"])
    assert abs(whole - 1) < 0.01, f"the cells cover {whole} of the map"
    for size, area in areas["cells"]:
        part = size / areas["bytes"]
        # Borders have their width, however small a cell is.
        assert abs(area - part) < 0.004 + 0.05 * part, (size, area, part)


def check_texts(page):
    text = page.inner_text("body")
    for heading in ("Where the bytes are", "Fields", "Columns", "Pages and clusters", "Encodings", "Schema"):
        assert heading in text, f"{heading!r} is missing"
    for what in ("entries", "clusters", "compression ratio", "written by", "format"):
        assert page.locator("dt", has_text=what).count() > 0, what
    assert page.evaluate("window.hostile") is None, "a name of the file was run as a script"
    assert page.locator("svg.bars rect").count() > 0


def check_use(page):
    """Tables are sorted and searched, the tree unfolds by keyboard."""
    stored = page.locator("section", has=page.locator("h2", has_text="Columns")).locator("table")
    numbers = "table => [...table.tBodies[0].rows].map(row => Number(row.cells[4].dataset.value))"
    before = stored.evaluate(numbers)
    assert before == sorted(before, reverse=True), "the largest columns come first"
    button = stored.locator("th button", has_text="stored")
    button.click()
    button.click()
    assert stored.evaluate(numbers) == sorted(before), "a second click turns the order around"
    names = "table => [...table.tBodies[0].rows].filter(row => !row.hidden).map(row => row.cells[0].textContent)"
    search = page.locator("section", has=page.locator("h2", has_text="Columns")).locator("input[type=search]")
    if search.count():
        first = stored.evaluate(names)[0]
        search.fill(first)
        assert all(first.lower() in name.lower() for name in stored.evaluate(names))
        search.fill("")
    summary = page.locator(".tree summary").first
    if summary.count():
        summary.focus()
        page.keyboard.press("Enter")
        assert page.locator(".tree details[open]").count() == 1
        page.keyboard.press("Enter")


def look(chromium, path):
    for name, scheme, size in (
        ("light", "light", (1280, 900)),
        ("dark", "dark", (1280, 900)),
        ("phone", "light", (390, 844)),
    ):
        context = chromium.new_context(
            color_scheme=scheme, viewport={"width": size[0], "height": size[1]}, offline=True
        )
        page = context.new_page()
        errors, requests = [], []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.resolve().as_uri())
        check_texts(page)
        check_map(page)
        if name == "light":
            check_use(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size[0], f"{name}: the page is {wide} wide on a screen of {size[0]}"
        page.screenshot(path=path.with_suffix(f".{name}.png"), full_page=True)
        assert not errors, errors
        outside = [url for url in requests if not url.startswith(("file:", "data:"))]
        assert not outside, outside
        context.close()
    print(f"{path.name}: fine")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rntuple", type=pathlib.Path, help="the binary; makes a page of examples/dimuon.root")
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "target" / "html")
    parser.add_argument("pages", nargs="*", type=pathlib.Path, help="pages that are there already")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    with_playwright(args.folder)
    pages = list(args.pages)
    if args.rntuple:
        page = args.folder / "dimuon.html"
        subprocess.run([args.rntuple.resolve(), "stat", "-q", "--html", page, ROOT / "examples" / "dimuon.root"], check=True)
        pages.append(page)
    if not pages:
        parser.error("give --rntuple, or pages")

    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = browser(playwright)
        for page in pages:
            look(chromium, page)
        chromium.close()


if __name__ == "__main__":
    main()
