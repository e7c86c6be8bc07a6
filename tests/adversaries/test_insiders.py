"""What each officer's account gives to an officer who is curious, and to who stole it."""

import re
from collections.abc import Mapping, Sequence
from uuid import UUID

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests.adversaries.effort import Effort, effort
from tests.adversaries.planting import MARK, Programme, one_each, sentence, word
from tests.adversaries.thief import Thief
from tests.adversaries.walk import is_for, paths, rules
from tests.cast import CAST, PASSWORD, Officer, Stage
from vault.access.models import SealRow
from vault.access.policy import PERMISSIONS, Permission, Role

CASE_BOUND = {"case_id", "person_id", "subject_id", "stay_id", "assignment_id"}
RECORDS = set(Permission) - {
    Permission.USE_VAULT,
    Permission.SEE_OFFICERS,
    Permission.KEEP_OFFICERS,
    Permission.END_ACCESS,
    Permission.CERTIFY_OFFICERS,
    Permission.READ_LEDGER,
    Permission.SEE_DISCLOSURE,
    Permission.SEE_KEYS,
    Permission.SEE_KEY_ACTS,
    Permission.SEE_ALARMS,
    Permission.SEE_EMERGENCIES,
    Permission.RUN_VAULT,
}
"""Everything that shows or changes a record; the auditor sees no contents of the rest."""
TOKENS = re.compile(r'value="[^"]{60,}"')


def ask(officer: Officer, method: str, path: str) -> TestResponse:
    """Use a route, with nothing in the form."""
    return officer.get(path) if method == "GET" else officer.post(path, reason="visit")


def elsewhere(known: Mapping[str, Sequence[UUID]]) -> dict[str, list[UUID]]:
    """Ids of nothing, as many as there are of something."""
    names = {name: number for number, name in enumerate(sorted(known), 1)}
    return {name: [UUID(int=number)] for name, number in names.items()}


def looked(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, officer: Officer, method: str, path: str
) -> tuple[int, str, Effort]:
    """What an officer is answered, without what differs each time, and the work that it took."""
    with effort(stage, monkeypatch) as spent:
        answer = ask(officer, method, path)
    return answer.status_code, TOKENS.sub("", answer.text), spent


@pytest.mark.parametrize(
    ("method", "name"), [("GET", "ivo"), ("POST", "ivo"), ("GET", "sol"), ("POST", "cal")]
)
def test_what_is_not_theirs_is_answered_like_what_is_not_there(
    programme: Programme, monkeypatch: pytest.MonkeyPatch, method: str, name: str
) -> None:
    """Same status, same page, the same statements in the same order, no seal opened."""
    stage, officer, app = programme.cast.stage, programme.cast[name], programme.cast.stage.app
    Thief(stage).run("UPDATE assignments SET ended_at = since WHERE officer = ?", officer.actor.officer)
    real = one_each(programme.known)
    officer.get("/desk")  # It shows the last notice, which would else stand on the first page compared.
    compared = 0
    for rule in rules(app, method):
        if not rule.arguments & CASE_BOUND or not is_for(app, rule, CAST[name][1]):
            continue
        pairs = zip(paths(app, rule, real), paths(app, rule, elsewhere(real)), strict=True)
        for not_yours, not_there in pairs:
            theirs = looked(stage, monkeypatch, officer, method, not_yours)
            nobody = looked(stage, monkeypatch, officer, method, not_there)
            assert theirs[0] == nobody[0], not_yours
            assert theirs[0] in {403, 404}, not_yours
            assert theirs[1] == nobody[1], not_yours
            assert theirs[2].statements == nobody[2].statements, not_yours
            assert (theirs[2].seals_opened, nobody[2].seals_opened) == (0, 0), not_yours
            compared += 1
    assert compared > 3


def test_every_look_at_what_is_not_theirs_is_on_the_ledger(programme: Programme) -> None:
    stage, ivo = programme.cast.stage, programme.cast["ivo"]
    (case,) = programme.known["case_id"]
    ivo.get(f"/cases/{case}")
    with stage.vault.reading() as db:
        entry = stage.vault.ledger.entry(db, stage.vault.ledger.head(db).size - 1).entry
    assert (entry.event, entry.officer) == ("refused", ivo.actor.officer)
    assert f"case:{case}" in entry.subjects


def test_lists_and_counts_betray_nothing_of_cases_that_are_not_theirs(programme: Programme) -> None:
    (case,) = programme.known["case_id"]
    code = Thief(programme.cast.stage).row("cases", case)["code"]
    for name in ("ivo", "pat", "max"):
        officer = programme.cast[name]
        for rule in rules(programme.cast.stage.app, "GET"):
            if rule.arguments or not is_for(programme.cast.stage.app, rule, CAST[name][1]):
                continue
            page = officer.get(rule.rule)
            assert code not in page.text, rule.rule
            assert str(case) not in page.text, rule.rule


@pytest.mark.parametrize("name", ["max", "aud"])
def test_administrator_and_auditor_are_refused_every_route_of_a_record(
    programme: Programme, name: str
) -> None:
    app, officer, role = programme.cast.stage.app, programme.cast[name], CAST[name][1]
    refused = 0
    for permission in RECORDS:
        assert role not in PERMISSIONS[permission]
    for method in ("GET", "POST"):
        for rule in rules(app, method):
            if getattr(app.view_functions[rule.endpoint], "permission", None) in RECORDS:
                path = next(paths(app, rule, one_each(programme.known)))
                assert ask(officer, method, path).status_code == 403, path
                refused += 1
    assert refused > 60


def test_the_administrator_holds_no_key_of_any_record(programme: Programme) -> None:
    for name in ("max", "aud"):
        held = Thief(programme.cast.stage).rows(
            "SELECT key_kind, key_id FROM seals WHERE holder = ?", programme.cast[name].actor.officer
        )
        roles = {"max": [], "aud": ["circle"]}
        assert [row["key_kind"] for row in held] == roles[name]


def test_an_officer_whom_the_administrator_adds_and_enrols_alone_opens_nothing(programme: Programme) -> None:
    """Max makes himself a coordinator's account, enrols it, and signs in: nobody certified it."""
    stage, administrator = programme.cast.stage, programme.cast["max"]
    administrator.get("/officers/add")
    added = administrator.post("/officers/add", name="mole", full_name="M. Mole", role="coordinator")
    code = re.search(r"[2-9A-Z]{5}(?:-[2-9A-Z]{5}){3}", added.text)
    assert code is not None, added.text
    mole, password = Officer(stage, "mole"), PASSWORD.format("mole")
    mole.get("/enrol")
    mole.post(
        "/enrol", name="mole", enrolment_code=code[0], password=password, again=password,
        password_again=password, repeat=password,
    )  # fmt: skip
    page = mole.get("/enrol/second-factor")
    assert page.status_code == 200, page.text
    secret = re.search(r"\b[A-Z2-7]{32}\b|(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}", page.text)
    assert secret is not None, page.text
    stage.secrets["mole"] = secret[0].replace(" ", "")
    assert mole.post("/enrol/second-factor", code=mole.code()).status_code == 200
    mole.sign_in()
    for rule in rules(stage.app, "GET"):
        if getattr(stage.app.view_functions[rule.endpoint], "permission", None) in RECORDS:
            path = next(paths(stage.app, rule, one_each(programme.known)))
            assert mole.get(path).status_code == 403, path
    with stage.vault.reading() as db:
        held = db.scalars(select(SealRow).where(SealRow.holder == mole.actor.officer)).all()
    assert held == []


def test_the_administrator_cannot_certify_the_officer_they_added(programme: Programme) -> None:
    administrator = programme.cast["max"]
    for officer in programme.known["officer_id"]:
        answer = administrator.post(f"/officers/{officer}/certify", compared="yes", sure="yes")
        assert answer.status_code == 403


def test_the_auditor_reads_the_ledger_with_its_details_and_never_a_record(programme: Programme) -> None:
    stage, auditor = programme.cast.stage, programme.cast["aud"]
    with stage.vault.reading() as db:
        size = stage.vault.ledger.head(db).size
    for index in range(size):
        page = auditor.get(f"/ledger/{index}")
        assert page.status_code == 200
        # To whom something was disclosed, what was searched for, and why somebody was let in, is what the
        # auditor reviews; what was disclosed, found or opened is not.
        words = page.text.replace(f">{word('legal_name')}<", "")
        emergency = [sentence(f"emergency_{part}") for part in ("words", "answer", "review")]
        for reviewed in (sentence("agency"), word("office_address"), *emergency):
            words = words.replace(reviewed, "")
        assert MARK not in words
    assert Role.AUDITOR in PERMISSIONS[Permission.READ_LEDGER]
