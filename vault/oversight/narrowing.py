"""How an auditor narrows the ledger: by the questions in an address, and the same questions on the page."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from housing.models import House
from vault.cases.models import Case
from vault.officers.models import in_order
from vault.oversight.finding import Wanted
from vault.oversight.forms import LedgerFilter, NarrowForm

_SAME = ("officer", "event", "compartment", "reason", "outcome", "since", "until")


def officers(db: Session) -> list[tuple[str, str]]:
    """Every officer as an answer."""
    return [(str(officer.id), officer.full_name) for officer in db.scalars(in_order())]


def case_called(db: Session, code: str) -> UUID | None:
    """The case of this number, however it was typed."""
    return db.scalar(select(Case.id).where(Case.code == _as_kept(code)))


def house_called(db: Session, code: str) -> UUID | None:
    """The place of this number, however it was typed."""
    return db.scalar(select(House.id).where(func.upper(House.code) == _as_kept(code)))


def _as_kept(code: str) -> str:
    return code.strip().replace("\N{EN DASH}", "-").upper()


def asked(db: Session, sent: MultiDict[str, str]) -> LedgerFilter:
    """What the address asks; of all cases and places only the one that it names is looked up."""
    form = LedgerFilter(sent)
    form.officer.options = officers(db)
    for field, key, code in ((form.case, Case.id, Case.code), (form.house, House.id, House.code)):
        found = db.execute(select(key, code).where(key == field.data)).all() if field.data else []
        field.options = [(str(ident), word) for ident, word in found]
    return form


def on_the_page(form: LedgerFilter) -> NarrowForm:
    """The same questions as the page asks them, with the address's answers and what is wrong with them."""
    codes = {str(ident): code for field in (form.case, form.house) for ident, code in field.options}
    answers: dict[str, Any] = {name: getattr(form, name).data for name in _SAME if not form[name].errors}
    for name in ("case", "house"):
        answers[f"{name}_code"] = codes.get(str(form[name].data), "")
    typed = NarrowForm(formdata=None, data=answers)
    typed.officer.options = form.officer.options
    for name in _SAME:
        typed[name].errors = form[name].errors
    if form.case.errors or form.house.errors or form.before.errors:
        typed.refuse("This address asks for something that is not there. Choose below what to show.")
    return typed


def in_the_address(db: Session, typed: NarrowForm) -> dict[str, str]:
    """What was typed as an address says it; a number that nothing has is said to be wrong in its box."""
    answers = {name: typed[name].shown for name in _SAME if typed[name].data is not None}
    for field, name, call in (
        (typed.case_code, "case", case_called),
        (typed.house_code, "house", house_called),
    ):
        if not field.data:
            continue
        found = call(db, field.data)
        if found is None:
            field.errors = ["Nothing has this number. Compare it with the paper that it is on."]
        answers[name] = str(found)
    return answers


def wanted(form: LedgerFilter) -> Wanted:
    """Which entries the address asks for."""
    subjects = tuple(f"{q.short_name}:{q.data}" for q in (form.case, form.house) if q.data)
    words = {
        name: None if (member := form[name].data) is None else str(member.value)
        for name in ("event", "compartment", "reason", "outcome")
    }
    return Wanted(
        officer=form.officer.data,
        subject=subjects or None,
        since=form.since.data,
        until=form.until.data,
        **words,
    )
