"""A real browser for the tests that look at pages."""

import pytest


@pytest.fixture(scope="module")
def browser(program):
    from playwright.sync_api import sync_playwright

    path = program("chromium")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    flags += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()
