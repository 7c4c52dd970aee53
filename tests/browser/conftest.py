"""One Chromium for all tests of the page."""

from collections.abc import Iterator

import pytest

from tests.browser.chromium import Browser, Page, installed, running


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = installed()
    if program is None:
        pytest.skip("no Chromium on this machine; ./scripts/browser installs it with apt-get")
    with running(program, tmp_path_factory.mktemp("chromium") / "profile") as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.page() as opened:
        yield opened
