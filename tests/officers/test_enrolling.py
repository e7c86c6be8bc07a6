"""An enrolment code is for an officer who is awaited, and for nobody else."""

import re
from uuid import UUID

import pytest

from tests.adversaries.thief import Thief
from tests.cast import Cast, Officer
from tests.officers.returning import end_access, enrol, ident, invite_again

ONLY_SQLITE = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
OWN = "seven quiet lanterns drift"


@ONLY_SQLITE
@pytest.mark.parametrize(("ended", "status"), [(False, 200), (True, 422)])
def test_who_was_ended_before_enrolling_gets_no_keys(cast: Cast, *, ended: bool, status: int) -> None:
    keeper, newcomer, thief = cast["max"], Officer(cast.stage, "nora"), Thief(cast.stage)
    keeper.get("/officers/add")
    page = keeper.post("/officers/add", name="nora", full_name="Nora Nettle", role="inspector")
    code = re.search(r"\b[2-9A-Z]{5}(?:-[2-9A-Z]{5}){3}\b", page.text)
    assert code is not None
    nora = UUID(str(thief.rows("SELECT id FROM officers WHERE name = 'nora'")[0]["id"]))
    if ended:
        assert end_access(cast, nora, "max", "left").status_code == 303
    newcomer.get("/enrol")
    answer = newcomer.post("/enrol", name="nora", enrolment_code=code[0], password=OWN, again=OWN)
    assert answer.status_code == status
    keys = thief.rows("SELECT id FROM holder_keys WHERE holder = ?", nora)
    assert len(keys) == (0 if ended else 1)


@ONLY_SQLITE
def test_a_stolen_cookie_of_the_coordinator_certifies_nobody_without_a_code(cast: Cast) -> None:
    enrol(cast, "ivo", invite_again(cast, "ivo", "inspector"))
    path, ada = f"/officers/{ident(cast, 'ivo')}", cast["ada"]
    assert "Code from your authenticator app" in ada.get(path).text
    for given in ({}, {"code": "000000"}):
        assert ada.post(f"{path}/certify", compared="yes", **given).status_code == 422
    assert Thief(cast.stage).rows("SELECT id FROM officers WHERE name = 'ivo' AND state = 'active'") == []
    assert ada.post(f"{path}/certify", compared="yes", code=ada.code()).status_code == 303
