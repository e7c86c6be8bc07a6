"""Who lost everything, changes role or comes back gets new keys; nothing opens with the old ones."""

import re
from uuid import UUID

import pyotp
import pytest
from click.testing import CliRunner
from sqlalchemy import select

from crypto.errors import CryptoError
from tests.adversaries.thief import Thief
from tests.cast import PASSWORD, Cast, Officer
from tests.officers.returning import (
    ONE_TIME,
    OWN,
    certify,
    come_back,
    end_access,
    enrol,
    ident,
    invite_again,
    sign_in,
)
from tests.programme import OpenedCase, open_case
from vault.access import comparing, seals
from vault.access.models import Assignment, HolderKey, Lockbox, SealRow
from vault.commands import cli
from vault.officers.models import Officer as OfficerRow
from vault.officers.models import SecondFactor
from vault.officers.sessions import cookie_name
from vault.officers.signing_in import recognise

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def health(officer: Officer, case: OpenedCase) -> int:
    """How the vault answers when this officer opens the witness's health."""
    path = f"/records/person/{case.witness}/health/open"
    officer.get(path)
    return officer.post(path, reason="visit").status_code


def faults(cast: Cast) -> list[comparing.SealFault]:
    with cast.stage.vault.reading() as db:
        return [fault for faults in comparing.audit_seals(db) for fault in faults]


def held_by(cast: Cast, officer: UUID) -> set[tuple[str, str, int]]:
    """The lockboxes that are sealed to an officer by name, and to which version of their key."""
    with cast.stage.vault.reading() as db:
        rows = db.execute(
            select(Lockbox.subject, Lockbox.compartment, SealRow.holder_version)
            .join(SealRow, (SealRow.key == Lockbox.id) & (SealRow.epoch == Lockbox.epoch))
            .where(SealRow.holder == officer)
        )
        return {(subject, str(compartment), version) for subject, compartment, version in rows}


def test_in_the_same_role_the_new_keys_open_what_the_old_ones_did_and_nothing_is_left_over(
    cast: Cast,
) -> None:
    case = open_case(cast, named=["ines"])
    ines = ident(cast, "ines")
    before = held_by(cast, ines)
    assert health(cast["ines"], case) == 200
    code = invite_again(cast, "ines", "inspector")
    assert held_by(cast, ines) == set()
    assert faults(cast) == []  # Whoever has no key is not expected to hold one.
    words = enrol(cast, "ines", code)
    assert held_by(cast, ines) == set()
    assert certify(cast, "ines") == words
    assert held_by(cast, ines) == {(subject, place, 2) for subject, place, _ in before}
    assert faults(cast) == []
    assert health(sign_in(cast, "ines"), case) == 200


@ONLY_SQLITE
def test_old_cookie_password_recovery_code_and_authenticator_are_worth_nothing(cast: Cast) -> None:
    ines, old_secret = cast["ines"], cast.stage.secrets["ines"]
    ines.get("/password")
    page = ines.post("/password", old=PASSWORD.format("ines"), password=OWN + "s", again=OWN + "s").text
    shown = re.search(r'class="vault-code">([0-9A-Z-]{39})<', page)
    assert shown is not None
    cookie = ines.client.get_cookie(cookie_name(cast.stage.settings))
    assert cookie is not None
    row = Thief(cast.stage).rows("SELECT * FROM sessions WHERE officer_id = ?", ident(cast, "ines"))[0]
    enrol(cast, "ines", invite_again(cast, "ines", "inspector"))
    certify(cast, "ines")
    assert ines.get("/desk").status_code == 401
    # The session's row put back past the vault does not bring the old keys back.
    Thief(cast.stage).put("sessions", row)
    assert recognise(cast.stage.vault, cookie.value, cast.stage.clock.now) is None
    visitor = Officer(cast.stage, "ines")
    visitor.get("/sign-in")
    for old in (OWN + "s", PASSWORD.format("ines")):
        assert visitor.post("/sign-in", name="ines", password=old, banner="yes").status_code == 422
    visitor.get("/recover")
    answers = {"name": "ines", "recovery_code": shown[1], "password": OWN, "again": OWN}
    assert visitor.post("/recover", **answers, code=visitor.code()).status_code == 422
    visitor.get("/sign-in")
    assert visitor.post("/sign-in", name="ines", password=OWN, banner="yes").status_code == 303
    visitor.get("/sign-in/second-factor")
    cast.stage.clock.forward(seconds=30)
    stale = pyotp.TOTP(old_secret).at(cast.stage.clock.now)
    assert visitor.post("/sign-in/second-factor", code=stale).status_code == 422
    assert visitor.post("/sign-in/second-factor", code=visitor.code()).status_code == 303


@ONLY_SQLITE
def test_until_the_new_key_is_certified_it_opens_nothing_and_work_goes_on_without_it(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    enrol(cast, "ines", invite_again(cast, "ines", "inspector"))
    # The case grows while the officer has no key that anybody vouches for.
    ada = cast["ada"]
    ada.get(f"/cases/{case.id}/people/add")
    answer = ada.post(f"/cases/{case.id}/people/add", position="child")
    assert answer.status_code == 303, answer.text
    assert faults(cast) == []
    assert health(sign_in(cast, "ines"), case) == 403
    certify(cast, "ines")
    assert faults(cast) == []
    assert len({subject for subject, _, _ in held_by(cast, ident(cast, "ines"))}) == 3


@ONLY_SQLITE
def test_in_another_role_the_namings_end_and_the_role_decides(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    officer = come_back(cast, "ines", "deputy")
    assert held_by(cast, ident(cast, "ines")) == set()
    assert faults(cast) == []
    with cast.stage.vault.reading() as db:
        namings = db.scalars(select(Assignment).where(Assignment.officer == ident(cast, "ines"))).all()
        assert namings
        assert all(naming.ended_at is not None for naming in namings)
    assert health(officer, case) in {403, 404}
    officer.get(f"/records/case/{case.id}/threat/open")
    assert officer.post(f"/records/case/{case.id}/threat/open", reason="decision").status_code == 200


@ONLY_SQLITE
def test_who_was_ended_comes_back_with_new_keys_and_no_namings(cast: Cast) -> None:
    open_case(cast, named=["ines"])
    assert end_access(cast, ident(cast, "ines"), "max", "left").status_code == 303
    assert come_back(cast, "ines", "inspector").get("/desk").status_code == 200
    assert held_by(cast, ident(cast, "ines")) == set()
    assert faults(cast) == []


@ONLY_SQLITE
def test_nobody_asks_themself_and_a_wrong_code_changes_nothing(cast: Cast) -> None:
    keeper = cast["max"]
    path = f"/officers/{ident(cast, 'max')}/enrol-again"
    keeper.get(path)
    assert keeper.post(path, role="administrator", code=keeper.code()).status_code == 409
    cast.stage.clock.forward(minutes=6)
    path = f"/officers/{ident(cast, 'ines')}/enrol-again"
    assert 'name="code"' in keeper.get(path).text
    answer = keeper.post(path, role="deputy", code="000000")
    assert answer.status_code == 422
    assert 'value="deputy" selected' in answer.text
    assert cast["ines"].get("/desk").status_code == 200


@ONLY_SQLITE
def test_a_code_that_ran_out_is_replaced_and_the_old_one_is_gone(cast: Cast) -> None:
    first = invite_again(cast, "ines", "inspector")
    second = invite_again(cast, "ines", "inspector")
    visitor = Officer(cast.stage, "ines")
    visitor.get("/enrol")
    answer = visitor.post("/enrol", name="ines", enrolment_code=first, password=OWN, again=OWN)
    assert answer.status_code == 422
    assert len(enrol(cast, "ines", second)) == 8


@ONLY_SQLITE
def test_an_enrolment_begun_twice_is_finished_only_by_the_second(cast: Cast) -> None:
    code = invite_again(cast, "ines", "inspector")
    first = Officer(cast.stage, "ines")
    first.get("/enrol")
    assert first.post("/enrol", name="ines", enrolment_code=code, password=OWN, again=OWN).status_code == 200
    words = enrol(cast, "ines", code)
    assert first.get("/enrol/second-factor").status_code == 401
    assert certify(cast, "ines") == words


@ONLY_SQLITE
def test_nothing_is_sealed_to_a_key_that_was_swapped_before_it_was_certified(cast: Cast) -> None:
    case = open_case(cast, named=["ines"])
    enrol(cast, "ines", invite_again(cast, "ines", "inspector"))
    thief, ines = Thief(cast.stage), ident(cast, "ines")
    ivo = thief.rows("SELECT public FROM holder_keys WHERE holder = ?", ident(cast, "ivo"))[0]["public"]
    assert thief.run("UPDATE holder_keys SET public = ? WHERE holder = ? AND version = 2", ivo, ines) == 1
    with cast.stage.vault.reading() as db:
        box = db.scalars(select(Lockbox).where(Lockbox.subject == f"person:{case.witness}")).first()
        assert box is not None
        with pytest.raises(CryptoError):
            seals.seal_onward(
                db,
                seals.KeyCase(db, cast["ada"].actor, cast.stage.vault.trust),
                cast["ada"].actor,
                box,
                ines,
                cast.stage.clock.now,
            )
    assert held_by(cast, ines) == set()


@ONLY_SQLITE
def test_what_lay_behind_the_old_password_is_no_longer_in_the_database(cast: Cast) -> None:
    ines = ident(cast, "ines")
    invite_again(cast, "ines", "inspector")
    with cast.stage.vault.reading() as db:
        officer = db.get_one(OfficerRow, ines)
        assert officer.wrap is None
        assert officer.recovery_blob is None
        assert db.get(SecondFactor, ines) is None
        live = select(HolderKey).where(HolderKey.holder == ines, HolderKey.withdrawn_at.is_(None))
        assert db.scalars(live).all() == []
        assert db.scalars(select(SealRow).where(SealRow.holder == ines)).all() == []


@ONLY_SQLITE
def test_the_only_administrator_comes_back_by_the_command_line_and_the_coordinator(cast: Cast) -> None:
    arguments = ["officer", "enrol-again", "--data", str(cast.stage.settings.data), "--name", "max"]
    told = CliRunner().invoke(cli, arguments)
    assert told.exit_code == 0
    code = ONE_TIME.search(told.output)
    assert code is not None
    words = enrol(cast, "max", code[0])
    assert sign_in(cast, "max").get("/officers").status_code == 403
    assert certify(cast, "max") == words
    assert sign_in(cast, "max").get("/officers").status_code == 200
