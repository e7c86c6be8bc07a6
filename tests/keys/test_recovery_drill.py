"""The drill: the only coordinator loses everything, and comes back with three envelopes and two approvals."""

import io
import re
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.cast import Cast, Officer
from tests.keys.asking import admit
from tests.keys.offline import combine, shares
from tests.keys.test_pinning import pin, restart
from tests.officers.returning import enrol, invite_again, sign_in
from tests.programme import OpenedCase, open_case
from vault.access import renewal
from vault.access.comparing import audit_seals
from vault.access.custody import KeyCase
from vault.access.models import Lockbox
from vault.access.policy import Role
from vault.verification import verify


def send(officer: Officer, page: str, action: str, status: int, **answers: object) -> str:
    """Open a page, send its form with a code where it asks for one, and return what was answered."""
    shown = officer.get(page)
    assert shown.status_code == 200, shown.text
    code = {"code": officer.code()} if 'name="code"' in shown.text else {}
    answer = officer.post(action, **code, **answers)
    assert answer.status_code == status, answer.text
    return str(answer.location) if status == 303 else answer.text


def lose_everything(cast: Cast) -> None:
    """Ada has neither password nor paper code any more: she enrols again, and her key is pinned."""
    enrol(cast, "ada", invite_again(cast, "ada", "coordinator"))
    code, told = pin(cast.stage, "ada", "yes")
    assert code == 0, told
    restart(cast.stage)
    cast["ada"] = sign_in(cast, "ada")


def write(cast: Cast, case: OpenedCase, words: str) -> None:
    """Something that only the coordinator, by her role's key, will be able to read."""
    ada, place = cast["ada"], f"/records/person/{case.witness}/health"
    page = send(ada, f"{place}/change", f"{place}/change", 200, reason="case-work")
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version is not None
    assert ada.post(f"{place}/save", medical=words, version=version[1]).status_code == 303


def test_the_only_coordinator_comes_back_and_everything_opens(cast: Cast, tmp_path: Path) -> None:
    vault, case = cast.stage.vault, open_case(cast, ["ines"])
    admit(cast, "dora", "Dora Dingle", Role.DEPUTY)
    write(cast, case, "an allergy to penicillin")
    lose_everything(cast)
    ada, place = cast["ada"], f"/records/person/{case.witness}/health/open"
    ada.get(place)
    assert ada.post(place, reason="review").status_code == 404
    renewal.renew(vault, ada.actor, lambda _done: None)
    with vault.reading() as db:
        before = {box.id: box.epoch for box in db.scalars(select(Lockbox))}
        assert len(renewal.beyond(db, ada.actor)) == len(before)

    # Two deputies approve, through the pages.
    asked = {"subject": "vault", "for_officer": str(ada.actor.officer), "ground": "credentials-lost"}
    ask = "/keys/acts/ask-recovery"
    act = send(ada, ask, ask, 303, reasons="My house burned down.", **asked)
    for name in ("dee", "dora"):
        send(cast[name], act, f"{act}/decide", 303, answer="approve")
    request = send(ada, act, f"{act}/export", 200)

    # Three envelopes on the offline machine, which no record has reached.
    told, answer = combine(tmp_path, request, shares(cast)[1:4], "yes")
    read_out = re.findall(r"<li>([a-z]+)</li>", ada.get(f"{act}/import").text)
    assert len(read_out) == 8
    assert " ".join(read_out) in told
    of_file = re.findall(r"<li>([a-z]+)</li>", cast["dee"].get(act).text)
    assert len(of_file) == 8
    assert " ".join(of_file) in told
    file = (io.BytesIO(answer.read_bytes()), "answer.json")
    send(ada, f"{act}/import", f"{act}/import", 303, answer=file)

    with vault.reading() as db:
        boxes = db.scalars(select(Lockbox)).all()
        assert renewal.beyond(db, ada.actor) == []
        assert renewal.due(db).lockboxes == len(boxes)
    assert renew_all(cast) >= len(boxes)
    with vault.reading() as db:
        keys = KeyCase(db, ada.actor, vault.trust)
        keys.fetch(db.scalars(select(Lockbox)).all())
        for box in db.scalars(select(Lockbox)):
            assert keys.lockbox(box).epoch == before[box.id] + 1
        assert renewal.due(db).lockboxes == 0
        assert audit_seals(db) == ([], [])
    assert verify(vault, lambda _count: None).findings == ()
    ada.get(place)
    assert "an allergy to penicillin" in ada.post(place, reason="review").text
    ines = cast["ines"]
    ines.get(place)
    assert "an allergy to penicillin" in ines.post(place, reason="visit").text
    # It was carried out, and is not carried out again.
    again = {"answer": (io.BytesIO(answer.read_bytes()), "answer.json")}
    assert "settled: done" in send(ada, f"{act}/import", f"{act}/import", 409, **again)


def renew_all(cast: Cast) -> int:
    """Renew until nothing is left; how many things that were."""
    done: list[int] = []
    renewal.renew(cast.stage.vault, cast["ada"].actor, done.append)
    return sum(done)


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_the_officers_words_are_compared_before_anything_is_sealed(cast: Cast, tmp_path: Path) -> None:
    admit(cast, "dora", "Dora Dingle", Role.DEPUTY)
    open_case(cast, [])
    ada, ask = cast["ada"], "/keys/acts/ask-recovery"
    asked = {"subject": "vault", "for_officer": str(ada.actor.officer), "ground": "drill"}
    act = send(ada, ask, ask, 303, reasons="Yearly.", **asked)
    for name in ("dee", "dora"):
        send(cast[name], act, f"{act}/decide", 303, answer="approve")
    told, answer = combine(tmp_path, send(ada, act, f"{act}/export", 200), shares(cast)[:3], "no")
    assert "Do not go on until you know why the words differ." in told
    assert not answer.exists()
