"""Every address of something, by every role whose officers are named on it: never, now, and no longer.

Coordinator, deputy, finance, auditor and administrator are named on nothing; see `access-matrix.txt`.
"""

from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select

from tests.adversaries.planting import Programme, one_each
from tests.adversaries.walk import is_for, paths, rules
from tests.cast import Officer
from tests.programme import newcomer
from vault.access.models import Assignment
from vault.access.policy import MATRIX, Compartment, Hold, Role

LIST = Path(__file__).with_name("assigned-matrix.txt")
NAMED = {Role.INSPECTOR: "ines", Role.CLERK: "cal", Role.LIAISON: "sol", Role.PROSECUTOR: "pat"}
COLUMNS = [str(role.value) for role in NAMED]
WAYS = ("never", "now", "no-longer")
OWN = ("session_id", "passkey_id")
"""What belongs to an officer and to no case: nobody is named on it."""
MEANT: set[tuple[str, str]] = set()
"""The addresses, by role, that answer who is named no longer otherwise than who never was: none so far."""


def ids(programme: Programme) -> dict[str, list[UUID]]:
    """One id of everything that was made, and of what belongs to some officer none."""
    known = one_each(programme.known)
    return known | {name: [UUID(int=7)] for name in OWN}


def addresses(app: Flask, role: Role, known: dict[str, list[UUID]]) -> dict[str, str]:
    """Every address of something that the role may use, by how the list names it: ids by their parameters.

    Of places that the role never holds only the question for opening is asked: the rest would take long.
    """
    never = {f"/{place.value}/" for place in Compartment if MATRIX[place][role] is Hold.NEVER}
    names = {str(found[0]): f"<{name}>" for name, found in known.items() if found[0] != UUID(int=7)}
    found = {}
    for method in ("GET", "POST"):
        for rule in rules(app, method):
            if not rule.arguments or not is_for(app, rule, role):
                continue
            for path in paths(app, rule, known):
                if any(place in path for place in never) and not (method == "GET" and path.endswith("/open")):
                    continue
                words = "/".join(names.get(part, part) for part in path.split("/"))
                found[f"{method} {words.replace(str(UUID(int=7)), '<nothing>')}"] = path
    return found


def walk(officer: Officer, wanted: dict[str, str]) -> dict[str, str]:
    """How each address answers: a page asked for, or an empty form sent."""
    officer.get("/desk")
    return {
        name: str((officer.get if name.startswith("GET") else officer.post)(path).status_code)
        for name, path in wanted.items()
    }


def take_off(programme: Programme, officer: Officer) -> int:
    """Ada takes the officer off everything they are named on; return how much that was."""
    ada, (case,) = programme.cast["ada"], programme.known["case_id"]
    ada.get(f"/cases/{case}")
    who, kinds = officer.actor.officer, ("case", "person")
    with programme.cast.stage.vault.reading() as db:
        query = select(Assignment.id).where(
            Assignment.officer == who, Assignment.kind.in_(kinds), Assignment.ended_at.is_(None)
        )
        named = db.scalars(query).all()
    for assignment in named:
        answer = ada.post(f"/cases/{case}/officers/{assignment}/remove")
        assert answer.status_code == 303, answer.text
    return len(named)


def rows() -> dict[str, dict[str, tuple[str, ...]]]:
    """The checked-in list: role -> address -> how it answers who is named never, now, and no longer."""
    lines = [line for line in LIST.read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0].split() == ["address", *COLUMNS]
    found: dict[str, dict[str, tuple[str, ...]]] = {column: {} for column in COLUMNS}
    for line in lines[1:]:
        method, path, *cells = line.split()
        for column, cell in zip(COLUMNS, cells, strict=True):
            if cell != "-":
                found[column][f"{method} {path}"] = tuple(cell.split("/"))
    return found


@pytest.mark.parametrize("role", NAMED)
def test_every_address_answers_who_is_named_never_now_and_no_longer_as_the_list_says(
    programme: Programme, role: Role
) -> None:
    cast, officer = programme.cast, programme.cast[NAMED[role]]
    wanted = addresses(cast.stage.app, role, ids(programme))
    found = {"never": walk(newcomer(cast, role), wanted), "now": walk(officer, wanted)}
    # No act takes a prosecutor off the referral that they sent.
    is_taken_off = take_off(programme, officer) > 0
    assert is_taken_off is (role is not Role.PROSECUTOR)
    found["no-longer"] = walk(officer, wanted) if is_taken_off else found["never"]
    told = {name: tuple(found[way][name] for way in WAYS) for name in wanted}
    listed = rows()[str(role.value)]
    differing = {
        name: (listed.get(name, "no row"), told.get(name, "no such address"))
        for name in sorted(listed.keys() | told.keys())
        if listed.get(name) != told.get(name)
    }
    assert differing == {}


def test_who_was_taken_off_is_answered_like_who_was_never_named() -> None:
    found = {
        (role, address)
        for role, cells in rows().items()
        for address, (never, _now, no_longer) in cells.items()
        if no_longer != never
    }
    assert found == MEANT
    assert any(now != never for cells in rows().values() for never, now, _ in cells.values())
