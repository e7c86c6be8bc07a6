"""What is not an officer's takes as long as what is not there, and an officer's name as long as nobody's."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from audit import tables
from tests.adversaries.effort import effort
from tests.adversaries.planting import Programme, live, one_each
from tests.adversaries.ranks import chance_of_slower, deviation, durations
from tests.adversaries.test_insiders import TOKENS, elsewhere
from tests.cast import PASSWORD, Cast, GroundStage, Officer, Stage
from tests.programme import newcomer
from vault.access.policy import Role

NOT_YOURS = {
    Role.INSPECTOR: (
        "/cases/<case_id>",
        "/cases/<case_id>/papers",
        "/cases/<case_id>/papers/<paper_id>/open",
        "/records/person/<person_id>/identity/open",
        "/records/case/<case_id>/location/open",
        "/safe-housing/stays/<stay_id>",
    ),
    Role.CLERK: ("/payments/<payment_id>", "/payments/<payment_id>/open", "/cases/<case_id>/support"),
    Role.LIAISON: ("/cases/<case_id>", "/records/person/<person_id>/supervision/open"),
    Role.PROSECUTOR: (
        "/referrals/<referral_id>",
        "/disclosure/<disclosure_id>",
        "/disclosure/<disclosure_id>/fetch",
    ),
}
"""What there is of each kind, by a role that would know of it if its officer were named."""


@dataclass(frozen=True)
class Answered:
    """All that could tell two refusals apart, but for the time that they took."""

    status: int
    page: str
    headers: tuple[tuple[str, str], ...]
    statements: tuple[str, ...]
    seals_opened: int
    entries: tuple[int, ...]


@pytest.fixture
def lived_on(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Programme]:
    """A whole programme on each engine; a worker of the tests lives it once."""
    if request.param == "sqlite":
        yield request.getfixturevalue("programme")
        return
    stage = GroundStage(request.getfixturevalue("postgres_ground"), tmp_path)
    cast = Cast(stage)
    yield Programme(cast, cast.in_scene(("lived",), lambda cast: dict(live(cast).known)))
    stage.end()


def answered(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, officer: Officer, method: str, path: str
) -> Answered:
    """How an officer is answered, with what differs each time masked: the token, and an entry's id in it."""
    with stage.vault.reading() as db:
        before = stage.vault.ledger.head(db).size
    with effort(stage, monkeypatch) as spent:
        answer = officer.get(path) if method == "GET" else officer.post(path, reason="visit")
    with stage.vault.reading() as db:
        entry = tables.entries.c
        leaves = db.scalars(select(entry.leaf).where(entry.index >= before).order_by(entry.index)).all()
    return Answered(
        status=answer.status_code,
        page=TOKENS.sub("", answer.text),
        headers=tuple((name, value) for name, value in answer.headers if name != "Set-Cookie"),
        statements=tuple(spent.statements),
        seals_opened=spent.seals_opened,
        entries=tuple(len(leaf) for leaf in leaves),
    )


def filled(path: str, known: dict[str, list[UUID]]) -> str:
    """The address of the first of each."""
    for name, found in known.items():
        path = path.replace(f"<{name}>", str(found[0]))
    return path


@pytest.mark.parametrize("lived_on", ["sqlite", "postgresql"], indirect=True)
def test_what_is_not_yours_and_what_is_not_there_are_one_answer_to_the_last_byte_and_statement(
    lived_on: Programme, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = one_each(lived_on.known)
    for role, places in NOT_YOURS.items():
        officer, stage = newcomer(lived_on.cast, role), lived_on.cast.stage
        officer.get("/desk")
        for place in places:
            yours, there = filled(place, known), filled(place, elsewhere(known))
            for method in ("GET", "POST") if place.endswith("/open") else ("GET",):
                theirs = answered(stage, monkeypatch, officer, method, yours)
                nobodys = answered(stage, monkeypatch, officer, method, there)
                assert theirs == nobodys, (role, method, place)
                assert (theirs.status, theirs.seals_opened, len(theirs.entries)) == (404, 0, 1), place


def told_apart(one: Callable[[], object], other: Callable[[], object], pairs: int) -> float:
    """How far the chance that one takes longer lies from even, and no machine's haste with it."""
    chance = chance_of_slower(*durations(one, other, pairs))
    print(f"slower in {chance:.3f} of the pairs; the standard deviation is {deviation(pairs):.3f}")
    return abs(chance - 0.5)


PAIRS = [pytest.param(40, 0.42, id="short"), pytest.param(1000, 0.15, marks=pytest.mark.soak, id="long")]
"""How many pairs are timed, and how far from even is an alarm: where nothing tells them apart, 6 and 11
standard deviations."""


@pytest.mark.parametrize(("pairs", "alarm"), PAIRS)
def test_what_is_not_yours_takes_no_other_time_than_what_is_not_there(
    programme: Programme, pairs: int, alarm: float
) -> None:
    ivo, known = programme.cast["ivo"], one_each(programme.known)
    place = "/records/person/<person_id>/identity/open"
    yours, there = filled(place, known), filled(place, elsewhere(known))
    assert told_apart(lambda: ivo.get(yours), lambda: ivo.get(there), pairs) < alarm


@pytest.mark.parametrize(("pairs", "alarm"), PAIRS)
@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_a_wrong_password_takes_no_other_time_for_a_name_that_nobody_has(
    stage: Stage, pairs: int, alarm: float
) -> None:
    stage.settings.__dict__.update(attempts_per_address=100_000)
    visitor = Officer(stage, "ines")
    visitor.get("/sign-in")

    def fail(name: str) -> None:
        stage.clock.forward(minutes=4)  # The counts of both stay below the limit.
        answer = visitor.post("/sign-in", name=name, password=PASSWORD.format("nobody"), banner="yes")
        assert answer.status_code == 422

    assert told_apart(lambda: fail("ines"), lambda: fail("anon"), pairs) < alarm


def test_an_answer_that_takes_longer_by_a_tenth_is_noticed_whatever_the_machine() -> None:
    """Durations that nobody measured: two seconds more or less of noise, and once in nine a long wait."""
    noise = [1 + (step * 7919 % 200) / 100 + (30 if step % 9 == 0 else 0) for step in range(400)]
    assert abs(chance_of_slower(noise[::2], noise[1::2]) - 0.5) < 0.15
    assert chance_of_slower([one + 2.1 for one in noise[::2]], noise[1::2]) - 0.5 > 0.3
    assert chance_of_slower([1, 2, 3], [1, 2, 3]) == 0.5
    assert chance_of_slower([2, 3], [1]) == 1.0
    assert chance_of_slower([1, 1], [1, 2]) == 0.25
