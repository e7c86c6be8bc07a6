"""An outside witness's own machine, asking the vault as its command does but without a network between."""

import re
from datetime import datetime
from pathlib import Path

from werkzeug.test import TestResponse

from audit.checkpoints import sign_if_free
from audit.exported import Read
from audit.notes import read_verifier_keys
from audit.witness import Witness
from tests.cast import Cast
from tests.oversight.test_read import plain
from vault.notarising import notary_of


def registered(cast: Cast, key: str, name: str) -> str:
    """Register a key as the auditor does; the token that the page shows."""
    aud = cast["aud"]
    page = aud.get("/ledger/witnesses/register").text
    given = {"code": aud.code()} if 'name="code"' in page else {}
    answer = aud.post("/ledger/witnesses/register", name=name, key=key, **given)
    assert answer.status_code == 200, plain(answer.text)
    found = re.search(r'class="vault-code">([\w-]{43})<', answer.text)
    assert found is not None
    return found[1]


def sign(cast: Cast) -> None:
    """Let the notary sign what there is."""
    vault = cast.stage.vault
    assert sign_if_free(vault.database.engine, notary_of(vault.settings), vault.now())


class Machine:
    """A witness with a folder of its own, registered under `name`."""

    def __init__(self, cast: Cast, folder: Path, name: str) -> None:
        self.cast = cast
        self.witness = Witness(folder, cast.stage.settings.origin)
        with self.witness.alone():
            self.key = self.witness.key()[1].to_text()
        self.token = registered(cast, self.key, name)
        self.client = cast.stage.app.test_client()
        self.volume = 1  # whose tiles are read at the top

    @property
    def headers(self) -> dict[str, str]:
        """What each request carries."""
        return {"Authorization": f"Bearer {self.token}"}

    def get(self, path: str) -> TestResponse:
        """Fetch something of the log."""
        return self.client.get(f"/ledger/log/{path}", headers=self.headers)

    def read(self) -> Read:
        """The log as `audit.witness` reads it."""

        def read(path: str) -> bytes:
            newest = path == "checkpoint" or path.startswith("volumes/")
            answer = self.get(path if newest else f"volumes/{self.volume}/{path}")
            if answer.status_code == 404:
                raise FileNotFoundError(path)
            assert answer.status_code == 200, answer.text
            content: bytes = answer.data
            return content

        return read

    def cosign(self, at: datetime) -> str:
        """Cosign what the vault shows; the note."""
        pinned = read_verifier_keys(self.cast.stage.settings.notary_public.read_text())
        with self.witness.alone():
            return self.witness.cosign(self.read(), pinned, at).text

    def give(self, note: str | bytes) -> TestResponse:
        """Give a note to the vault."""
        return self.client.post("/ledger/log/cosignature", data=note, headers=self.headers)

    def tell(self, words: str, offered: str, accepted: str) -> TestResponse:
        """Tell the vault of a refusal."""
        told = {"words": words, "offered": offered, "accepted": accepted}
        return self.client.post("/ledger/log/refusal", data=told, headers=self.headers)
