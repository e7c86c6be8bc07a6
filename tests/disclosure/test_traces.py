"""What went into a packet is found nowhere in the bytes of the database, in any plain spelling."""

import base64
from collections.abc import Iterator

from sqlalchemy import MetaData, select

from tests.cast import Cast
from tests.disclosure.errands import (
    ALIAS,
    ANSWER,
    ASKED,
    DANGER,
    NAME,
    PURPOSE,
    REASONS,
    REQUEST,
    STREET,
    asked,
    done,
)
from vault.running import RunningVault

SECRETS = (NAME, ALIAS, STREET, ASKED, PURPOSE, DANGER, REASONS, ANSWER, REQUEST["address"], "%PDF-1.")


def spellings(secret: str) -> list[bytes]:
    """A secret as a thief with ordinary tools would look for it."""
    plain = secret.encode()
    return [
        plain,
        secret.encode("utf-16-le"),
        secret.encode("utf-16-be"),
        plain.hex().encode(),
        base64.b64encode(plain).rstrip(b"="),
        secret.lower().encode(),
    ]


def rows_of(vault: RunningVault) -> Iterator[bytes]:
    """Every value of every table, as any client of the database reads it."""
    schema = MetaData()
    engine = vault.database.engine
    schema.reflect(engine)
    with engine.connect() as connection:
        for table in schema.sorted_tables:
            for row in connection.execute(select(table)):
                for value in row:
                    yield value if isinstance(value, bytes) else str(value).encode()


def files_of(vault: RunningVault) -> Iterator[bytes]:
    """Every file in the data folder: the database, its write-ahead log, the checkpoint."""
    for path in vault.settings.data.rglob("*"):
        if path.is_file():
            yield path.read_bytes()


def found_in(vault: RunningVault, secrets: tuple[str, ...]) -> set[str]:
    """The secrets that stand in the bytes in any spelling."""
    heap = b"\n".join([*rows_of(vault), *files_of(vault)])
    lower = heap.lower()
    return {
        secret
        for secret in secrets
        if any(spelling in heap or spelling in lower for spelling in spellings(secret))
    }


def test_nothing_that_was_asked_weighed_or_released_is_in_the_database(cast: Cast) -> None:
    errand = asked(cast).prepare("person-1.legal_name", "whereabouts.address", tells_where="yes")
    errand.decide("granted")
    password = errand.release()
    assert errand.fetch().status_code == 200
    done(errand.give("pat", "acknowledge", received="yes"))
    assert found_in(cast.stage.vault, (*SECRETS, password)) == set()


def test_a_plain_word_in_the_database_is_found(cast: Cast) -> None:
    errand = asked(cast)
    assert found_in(cast.stage.vault, (*SECRETS, errand.row().code)) == {"D-2026-0001"}
