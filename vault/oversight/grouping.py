"""Alerts of one kind about one officer, told as one line: a night shift is one matter and not twelve."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from vault.oversight.models import Alert, Rule

GROUPS_ON_A_PAGE = 20
SHOWN_IN_A_GROUP = 5
NOBODY = UUID(int=0)
"""How a question for alerts about nobody known is answered."""


@dataclass(frozen=True)
class Group:
    """Alerts of one kind about one officer: how many, when, and the newest of them."""

    rule: Rule
    officer: UUID | None
    number: int
    first: datetime
    last: datetime
    newest: Sequence[Alert]


@dataclass(frozen=True)
class Groups:
    """One page of groups, the newest first; `older` is where the next page begins, None at the end."""

    groups: Sequence[Group]
    older: int | None


def like(is_open: bool | None, rule: Rule | None, officer: UUID | None) -> list[ColumnElement[bool]]:
    """The conditions of a question for alerts; None admits every one, NOBODY those about nobody known."""
    found: list[ColumnElement[bool]] = []
    if is_open is not None:
        found.append(Alert.dismissed_at.is_(None) if is_open else Alert.dismissed_at.is_not(None))
    if rule is not None:
        found.append(Alert.rule == rule)
    if officer is not None:
        found.append(Alert.officer.is_(None) if officer == NOBODY else Alert.officer == officer)
    return found


def groups(db: Session, wanted: Sequence[ColumnElement[bool]], before: int | None) -> Groups:
    """One page of groups among the alerts that are wanted; two questions, however many alerts there are."""
    newest = func.max(Alert.first_index)
    query = (
        select(Alert.rule, Alert.officer, func.count(), func.min(Alert.at), func.max(Alert.at), newest)
        .where(*wanted)
        .group_by(Alert.rule, Alert.officer)
        .order_by(newest.desc(), Alert.rule)
        # Several kinds may begin with the same entry; these stay on one page.
        .limit(GROUPS_ON_A_PAGE + len(Rule))
    )
    rows = db.execute(query if before is None else query.having(newest < before)).all()
    cut = min(GROUPS_ON_A_PAGE, len(rows))
    while 0 < cut < len(rows) and rows[cut][5] == rows[cut - 1][5]:
        cut += 1
    shown = rows[:cut]
    of = _newest(db, wanted, {rule for rule, *_ in shown})
    found = [
        Group(rule, officer, number, first, last, of[rule, officer])
        for rule, officer, number, first, last, _ in shown
    ]
    return Groups(found, shown[-1][5] if cut < len(rows) else None)


def _newest(
    db: Session, wanted: Sequence[ColumnElement[bool]], rules: set[Rule]
) -> dict[tuple[Rule, UUID | None], list[Alert]]:
    place = func.row_number().over(
        partition_by=(Alert.rule, Alert.officer), order_by=Alert.first_index.desc()
    )
    ranked = select(Alert.id, place.label("place")).where(*wanted, Alert.rule.in_(rules)).subquery()
    query = (
        select(Alert)
        .join(ranked, ranked.c.id == Alert.id)
        .where(ranked.c.place <= SHOWN_IN_A_GROUP)
        .order_by(Alert.first_index.desc())
    )
    of: dict[tuple[Rule, UUID | None], list[Alert]] = {}
    for alert in db.scalars(query):
        of.setdefault((alert.rule, alert.officer), []).append(alert)
    return of
