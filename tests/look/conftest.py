"""The gallery, served to a real browser."""

import logging
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.serving import make_server

from tests.conftest import go_without
from tests.look.gallery import VAULT, build


@pytest.fixture
def app() -> Flask:
    """The gallery, for requests without a browser."""
    return build()


@pytest.fixture(scope="session")
def gallery() -> Iterator[str]:
    """The address of the gallery, with the real styles."""
    if not (VAULT / "static" / "uswds" / "css").is_dir():
        go_without("design system", "make run fetches it", "REQUIRE_BROWSER")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, build(), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
