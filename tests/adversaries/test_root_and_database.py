"""What database, root key, cookie and password are worth together, to a thief with tools of their own.

Each opening is tried with the one thing that is missing too, so that the tools are known to work.
"""

import os
import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from tests.adversaries.lockpicks import (
    Root,
    cookie_parts,
    guess_password,
    keys_under,
    open_text,
    seed_of_session,
    uuid,
)
from tests.adversaries.test_database_writer import write_health
from tests.adversaries.thief import Thief
from tests.cast import PASSWORD, Cast
from tests.programme import OpenedCase, open_case
from vault.access.comparing import audit_seals, forged_seals

pytestmark = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def root_of(cast: Cast) -> Root:
    """The root key, stolen."""
    return Root(cast.stage.settings.root_key.read_bytes())


def officer_row(cast: Cast, name: str) -> dict[str, Any]:
    (row,) = Thief(cast.stage).rows("SELECT * FROM officers WHERE name = ?", name)
    return row


def session_of(cast: Cast, name: str) -> tuple[dict[str, Any], int, bytes, bytes]:
    """A live session's row, its end, and the two halves of its cookie."""
    cookie = cast[name].client.get_cookie("vault")
    assert cookie is not None
    (row,) = Thief(cast.stage).rows(
        "SELECT * FROM sessions WHERE officer_id = ? AND stage = 'live'", cast[name].actor.officer
    )
    ends_at = int(datetime.fromisoformat(str(row["ends_at"])).replace(tzinfo=UTC).timestamp())
    return row, ends_at, *cookie_parts(cookie.value)


def health_of(cast: Cast, case: OpenedCase, officer: str, seed: bytes) -> list[bytes]:
    """What a thief with the seed reads in the witness's medical column, whatever key opens it."""
    thief, blob = Thief(cast.stage), b""
    (row,) = thief.rows("SELECT medical FROM people WHERE id = ?", case.witness)
    blob = bytes(row["medical"])
    held = keys_under(thief, uuid(officer_row(cast, officer)["id"]), seed)
    tried = [
        open_text(thief, key, part, blob, "people", case.witness, "medical")
        for kind, key, part in held
        if kind == "lockbox"
    ]
    return [text for text in tried if text is not None]


def test_database_and_root_key_give_one_guess_for_each_run_of_argon2id_and_only_the_password_opens(
    cast: Cast,
) -> None:
    case = open_case(cast, named=[])
    write_health(cast, case, "asthma")
    root, ada = root_of(cast), officer_row(cast, "ada")
    for wrong in ("", "ada", PASSWORD.format("ines"), PASSWORD.format("ada") + " "):
        assert guess_password(wrong, ada, root) is None
    seed = guess_password(PASSWORD.format("ada"), ada, root)
    assert seed == cast["ada"].actor.identity.seed
    assert b"asthma" in health_of(cast, case, "ada", seed)


def test_a_right_guess_at_one_officer_tells_nothing_of_another(cast: Cast) -> None:
    root = root_of(cast)
    names = ("ada", "aud", "max", "ines")
    salts = {bytes(officer_row(cast, name)["wrap_salt"]) for name in names}
    assert len(salts) == len(names)
    password = PASSWORD.format("ada")
    assert [name for name in names if guess_password(password, officer_row(cast, name), root)] == ["ada"]


def test_database_and_password_without_the_root_key_open_nothing(cast: Cast) -> None:
    right, ada = PASSWORD.format("ada"), officer_row(cast, "ada")
    for key in (bytes(32), os.urandom(32), b"\xff" * 32):
        assert guess_password(right, ada, Root(key)) is None
    assert guess_password(right, ada, root_of(cast)) is not None


def test_the_sessions_table_and_the_root_key_open_no_seed_without_the_cookie(cast: Cast) -> None:
    row, ends_at, sid, secret = session_of(cast, "ines")
    root = root_of(cast)
    assert seed_of_session(row, ends_at, sid, secret, root) == cast["ines"].actor.identity.seed
    held = [bytes(value) for value in row.values() if isinstance(value, bytes | memoryview)]
    for guess in (
        bytes(32),
        root.key,
        root.mac(sid),
        *(value[:32] for value in held),
        *(v[-32:] for v in held),
    ):
        assert seed_of_session(row, ends_at, sid, guess, root) is None


def test_database_and_cookie_open_no_seed_without_the_root_key(cast: Cast) -> None:
    row, ends_at, sid, secret = session_of(cast, "ines")
    for key in (bytes(32), secret, os.urandom(32)):
        assert seed_of_session(row, ends_at, sid, secret, Root(key)) is None


def test_a_stolen_seed_and_the_database_open_what_is_sealed_to_that_officer_and_nothing_else(
    cast: Cast,
) -> None:
    case, other = open_case(cast, named=["ines"]), open_case(cast, named=["ivo"])
    for each, words in ((case, "asthma"), (other, "a bad knee")):
        write_health(cast, each, words)
    seed = cast["ines"].actor.identity.seed
    assert b"asthma" in health_of(cast, case, "ines", seed)
    assert health_of(cast, other, "ines", seed) == []
    assert health_of(cast, case, "ines", cast["ivo"].actor.identity.seed) == []
    for keeper in ("max", "aud"):
        assert health_of(cast, case, keeper, cast[keeper].actor.identity.seed) == []


def test_a_seal_copied_to_another_officer_opens_nothing_in_their_hands(cast: Cast) -> None:
    case, thief = open_case(cast, named=["ines"]), Thief(cast.stage)
    write_health(cast, case, "asthma")
    ines, ivo = (cast[name].actor for name in ("ines", "ivo"))
    for number, seal in enumerate(thief.rows("SELECT * FROM seals WHERE holder = ?", ines.officer)):
        if seal["key_kind"] == "lockbox":
            planted = {"id": UUID(int=number + 1).hex, "holder": ivo.officer.hex}
            thief.put("seals", seal | planted)
    assert b"asthma" in health_of(cast, case, "ines", ines.identity.seed)
    assert health_of(cast, case, "ivo", ivo.identity.seed) == []
    with cast.stage.vault.reading() as db:
        _, surplus = audit_seals(db)
        forged = forged_seals(db, cast.stage.vault.trust)
    assert {fault.holder for fault in surplus} == {fault.holder for fault in forged} == {ivo.officer}


def test_without_its_shred_part_no_seed_opens_a_field(cast: Cast) -> None:
    case, thief = open_case(cast, named=[]), Thief(cast.stage)
    write_health(cast, case, "asthma")
    seed = cast["ada"].actor.identity.seed
    assert b"asthma" in health_of(cast, case, "ada", seed)
    thief.run("DELETE FROM shred_parts")
    assert health_of(cast, case, "ada", seed) == []


def test_a_seal_put_back_after_its_officer_was_taken_off_the_case_opens_no_page_and_is_found(
    cast: Cast,
) -> None:
    case, thief, ada, ines = open_case(cast, named=["ines"]), Thief(cast.stage), cast["ada"], cast["ines"]
    kept = thief.rows("SELECT * FROM seals WHERE holder = ? AND key_kind = 'lockbox'", ines.actor.officer)
    page = ada.get(f"/cases/{case.id}").text
    remove = re.search(r"/cases/[0-9a-f-]+/officers/[0-9a-f-]+/remove", page)
    assert remove is not None
    assert ada.post(remove[0]).status_code == 303
    gone = thief.rows("SELECT * FROM seals WHERE holder = ? AND key_kind = 'lockbox'", ines.actor.officer)
    assert gone == []
    for seal in kept:
        thief.put("seals", seal)
    assert ines.get(f"/cases/{case.id}").status_code == 404
    assert ines.get(f"/records/person/{case.witness}/health/open").status_code == 404
    with cast.stage.vault.reading() as db:
        _, surplus = audit_seals(db)
    assert {fault.holder for fault in surplus} == {ines.actor.officer}
    assert len(surplus) == len(kept) > 0
