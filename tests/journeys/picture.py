"""Draw the picture of the desk from the running programme: `python -m tests.journeys.picture FILE`.

A demonstration is made in a folder that is deleted afterwards, served, and its coordinator signs in.
"""

import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.conftest import BROWSER_FLAGS, BROWSERS
from tests.journeys.album import Album
from tests.journeys.at_work import AtWork, Authenticator

SIZE = {"width": 1200, "height": 800}
COLOURS = 128
MOST_BYTES = 120_000
VAULT = [sys.executable, "-m", "vault"]


@contextmanager
def demonstration(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Serve a new demonstration; yield where it is and who can sign in, by name."""
    data = ["--data", str(folder / "data")]
    made = subprocess.run(
        [*VAULT, "demo", *data, "--json", "--no-serve"], stdout=subprocess.PIPE, check=True, text=True
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [*VAULT, "serve", *data, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        origin = f"http://localhost:{port}"
        wait_for(origin)
        yield origin, {officer["name"]: officer for officer in json.loads(made.stdout)["officers"]}
    finally:
        server.terminate()
        server.wait()


def wait_for(origin: str) -> None:
    """Wait until the vault answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + 60
    while True:
        try:
            opener.open(f"{origin}/sign-in", timeout=5).close()
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def desk(origin: str, ada: dict[str, Any]) -> bytes:
    """The coordinator's desk as a PNG."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)))
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=[*BROWSER_FLAGS, *sandbox])
        app = Authenticator(ada["totp_secret"])
        officer = AtWork(chromium, origin, Album(), ada["name"], app, viewport=SIZE, color_scheme="light")
        officer.sign_in(ada["password"])
        officer.page.evaluate("document.fonts.ready.then(() => true)")
        picture: bytes = officer.page.screenshot()
        chromium.close()
    return picture


def main(target: Path) -> None:
    """Write the picture with few colours, so that it stays small in the history."""
    with tempfile.TemporaryDirectory() as folder, demonstration(Path(folder)) as (origin, officers):
        picture = desk(origin, officers["ada"])
    drawn = Image.open(io.BytesIO(picture)).convert("RGB")
    drawn.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)
    size = target.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f"{target} has {size:,} bytes, more than {MOST_BYTES:,}.")
    print(f"{target}: {size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
