"""The vault with one more page: the threat to a case from plain tables, neither sealed nor recorded.

Sign-in, guard, need to know, form, token, template and database sessions are those of the real page.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Blueprint, Flask, abort, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from tests.benchmarks.plain_tables import PlainDangerArea, PlainThreatAssessment
from vault.access.guard import actor, check_routes, requires, running
from vault.access.policy import Compartment, Permission
from vault.app import create_app
from vault.cases import actions, records
from vault.cases.records import Place
from vault.hardening import start_log
from vault.officers.asking import OpeningForm, needs_code
from vault.running import RunningVault, wall_clock
from vault.settings import load

bp = Blueprint("plain", __name__)


@dataclass(frozen=True)
class NoReceipt:
    """What the template prints in place of a ledger entry's number."""

    index: int


@dataclass(frozen=True)
class PlainLook:
    """What the template takes for an opening: every field as its row has it."""

    receipt: NoReceipt

    def of(self, row: Any) -> Mapping[str, Any]:
        """The fields of one row, by column name."""
        fields: Mapping[str, Any] = vars(row)
        return fields


@bp.post("/plain/<uuid:case_id>/open")
@requires(Permission.SEE_CASES)
def open_plain(case_id: UUID) -> ResponseReturnValue:
    """Show the same page as the opened threat, without a lockbox and without an entry."""
    with running().reading() as db:
        case = actions.get(db, actor(), case_id)
        assessments = select(PlainThreatAssessment).where(PlainThreatAssessment.case == case.id)
        areas = select(PlainDangerArea).where(PlainDangerArea.case == case.id)
        rows: list[Any] = [
            *db.scalars(assessments.order_by(PlainThreatAssessment.at.desc())),
            *db.scalars(areas.order_by(PlainDangerArea.at)),
        ]
    place = Place(case, None, Compartment.THREAT, rows)
    form = OpeningForm.ask(needs_code(place.compartment))
    if not form.validate():
        abort(422)
    form.prove()
    look = PlainLook(NoReceipt(0))
    with running().reading() as db:
        names = records.authors(db, rows)
    return render_template(
        "cases/opened_threat.html",
        place=place,
        opening=look,
        fields=[],
        names=names,
        again=_at(case_id, "ask_to_open"),
        change=_at(case_id, "ask_to_change") if actor().may(Permission.CHANGE_RECORD) else None,
    )


def _at(case_id: UUID, action: str) -> str:
    return url_for(f"cases.records.{action}", kind="case", subject_id=case_id, compartment="threat")


def served() -> Flask:
    """The vault's service, made as in vault.wsgi, with the twin page, whose route is checked too."""
    start_log()
    app = create_app(RunningVault.start(load(Path(os.environ["VAULT_DATA"])), wall_clock))
    app.register_blueprint(bp)
    check_routes(app)
    return app
