"""A throw-away program that shows every piece of the vault's look in every state on one page."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, Response, flash, render_template, request
from flask_wtf import CSRFProtect
from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined

from vault import forms, templating
from vault.vocabulary import Labelled

HERE = Path(__file__).parent
VAULT = HERE.parent.parent / "vault"
NOW = datetime(2026, 11, 22, 19, 5, tzinfo=UTC)
ZONE = ZoneInfo("America/New_York")
POLICY = "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"


class Harm(Labelled):
    """What was done to the witness."""

    INTIMIDATION = "intimidation", "Intimidation"
    THREAT = "threat", "Threat"
    VIOLENCE = "violence", "Violence"


class Need(Labelled):
    """What a household needs of a place."""

    STEP_FREE = "step-free", "Step-free"
    CHILDREN = "children", "Children welcome"
    PETS = "pets", "Pets welcome"


class Kind(Labelled):
    """Seven words, one more than radio buttons are good for."""

    A = "a", "Emergency lodging"
    B = "b", "Rent"
    C = "c", "Security deposit"
    D = "d", "Utilities"
    E = "e", "Moving and storage"
    F = "f", "Food and subsistence"
    G = "g", "Transport"


class Everything(forms.VaultForm):
    """One question of every kind."""

    version = forms.Version()
    docket = forms.Line(
        "Docket number", 40, hint="As it stands on the information, for example HHD-CR26-0001."
    )
    narrative = forms.Words("What happened", 2000, ask="Say what happened, in a sentence or two.")
    harm = forms.Choice("What was done to the witness?", Harm)
    needs = forms.Choices("What the household needs", Need, optional=True)
    kind = forms.Choice("Category", Kind)
    trial = forms.Day("Expected start of the trial", optional=True)
    seen = forms.Moment("When you met")
    household = forms.Whole("People in the household", 1, 20)
    amount = forms.Money("Amount")
    order = forms.Attachment(
        "The court's order", ["application/pdf"], hint="A PDF of at most 10 MB.", optional=True
    )
    password = forms.Secret("Password", 128, new=True, least=15)
    code = forms.Code("Code from your authenticator", hint="Six digits.")
    read = forms.Yes("I have read the conditions of use", optional=False, ask="Tick the box to go on.")


class Narrow(forms.FilterForm):
    """A filter bar."""

    harm = forms.Choice("Harm", Harm, as_list=True)
    since = forms.Day("Since")


@dataclass
class Officer:
    """The person at the desk."""

    name: str
    role: Any


class Role(Labelled):
    """The one role that the gallery needs."""

    COORDINATOR = "coordinator", "Coordinator"


def navigation() -> list[tuple[str, str, bool, int]]:
    """The features of the vault, as the header shows them."""
    words = ["Desk", "Referrals", "Cases", "Safe housing", "Payments", "Disclosure", "Agencies"]
    waiting = {"Desk": 7, "Referrals": 1204}
    return [(label, f"/?{label[:2]}", label == "Cases", waiting.get(label, 0)) for label in words]


def build() -> Flask:
    """Build the gallery over the real templates and styles."""
    app = Flask("gallery", static_folder=str(VAULT / "static"))
    app.config.update(SECRET_KEY="only the gallery's", WTF_CSRF_TIME_LIMIT=None)
    app.jinja_loader = ChoiceLoader(
        [FileSystemLoader(HERE / "templates"), FileSystemLoader(VAULT / "templates")]
    )
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.globals["numbered"] = lambda number: f"/?page={number}"
    CSRFProtect(app)
    templating.install(app, ZONE, lambda: NOW)

    @app.context_processor
    def _given() -> dict[str, Any]:
        return {
            "actor": Officer("Ada Okafor", Role.COORDINATOR),
            "navigation": navigation(),
            "now": NOW,
            "idle_seconds": 900,
        }

    @app.after_request
    def _harden(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        return response

    @app.route("/", methods=["GET", "POST"])
    def gallery() -> str:
        flash("The case was opened.", "success")
        flash("The ledger’s last checkpoint is an hour old.", "warning")
        flash("Training is due on Dec 1, 2026.", "info")
        flash("Nothing was saved: the place was taken a moment ago.", "error")
        form = Everything(amount=125050, household=3, trial=date(2027, 1, 4), seen=NOW, version=3)
        form.validate_on_submit()
        return render_template(
            "gallery.html", form=form, narrow=Narrow(request.args), kind=Harm, today=date(2026, 11, 22)
        )

    @app.route("/short", methods=["GET"])
    def short() -> str:
        return render_template("short.html")

    @app.route("/wrong", methods=["GET"])
    def wrong() -> str:
        return render_template(
            "error.html",
            heading="Somebody was here before you",
            words="This place was taken a moment ago.",
            next_step="Search again to see what is free now.",
            entry=18204,
        )

    @app.route("/planted/<name>", methods=["GET"])
    def planted(name: str) -> str:
        return render_template(f"planted_{name}.html")

    return app
