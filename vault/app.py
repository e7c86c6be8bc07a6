"""The Flask service: the features it is made of, who is asking, and how every error is answered in words."""
# It is longer than other modules, because its lists of features and of links grow with every feature.

from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, Response, current_app, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user
from flask_wtf.csrf import CSRFError, CSRFProtect
from jinja2 import ChoiceLoader, FileSystemLoader, PrefixLoader, StrictUndefined
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter

from audit.errors import LedgerDelayed, LedgerUnavailable
from crypto.errors import BadKeyFile, CryptoError, NotCertified, Refused
from housing.errors import HousingError
from vault import decoy, templating
from vault.access.actor import Actor
from vault.access.guard import check_routes, is_guarded, now, record_refusal, running
from vault.access.keyring import Distrusted
from vault.access.pacing import SlowDown
from vault.access.policy import Permission
from vault.errors import (
    CannotRecord,
    DoesNotOpen,
    NotKnown,
    RoleMayNot,
    RuleForbids,
    Superseded,
    VaultError,
)
from vault.hardening import harden, log, where
from vault.officers import second_factors, sessions, signing_in
from vault.oversight.noticing import tell_interruption
from vault.oversight.witnessing import cosigned_covering, has_witness
from vault.running import RunningVault

FEATURES = (
    "officers",
    "desk",
    "referrals",
    "cases",
    "emergency",
    "absence",
    "papers",
    "search",
    "safehouses",
    "expenses",
    "disclosure",
    "agencies",
    "keys",
    "access_review",
    "oversight",
    "administration",
    "notices",
)
"""The feature folders, each with a blueprint `bp` in its views."""

NAVIGATION = (
    ("Desk", "desk.desk", Permission.USE_VAULT),
    ("Referrals", "referrals.list_referrals", Permission.SEE_REFERRALS),
    ("Cases", "cases.list_cases", Permission.SEE_CASES),
    ("Emergency", "emergency.list_requests", Permission.SEE_EMERGENCIES),
    ("Find a person", "search.ask_search", Permission.FIND_PERSON),
    ("Safe housing", "safehouses.ask_search", Permission.SEE_HOUSING),
    ("Payments", "expenses.list_requests", Permission.SEE_EXPENSES),
    ("Disclosure", "disclosure.list_requests", Permission.SEE_DISCLOSURE),
    ("Agencies", "agencies.list_agencies", Permission.SEE_AGENCIES),
    ("Keys", "keys.show_keys", Permission.SEE_KEY_ACTS),
    ("Ledger", "oversight.read_ledger", Permission.READ_LEDGER),
    ("Officers", "officers.keeping.list_officers", Permission.SEE_OFFICERS),
    ("Administration", "administration.show_health", Permission.RUN_VAULT),
)

WORDS = {
    400: ("That could not be read", "Go back, check the page and try again."),
    401: ("Please sign in", "Your session may have ended after 15 quiet minutes."),
    403: ("This is not part of your role", "The request was recorded. Go back to your desk."),
    404: ("Not found", "Check the address, or go back to your desk."),
    405: ("That is not how this page is used", "Go back and use the buttons on the page."),
    409: ("That cannot be done now", "Go back and look again, or choose another way."),
    410: ("The records were destroyed", "The ledger still tells who had opened them, and when."),
    413: ("That is too large", "Send something smaller."),
    422: ("Some answers need attention", "Go back and correct them."),
    429: (
        "Please slow down",
        "The request was recorded. If your work needs more at once, tell the administrator.",
    ),
    500: (
        "Something went wrong on our side",
        "Nothing was half saved. Try again, and tell the administrator if it stays.",
    ),
    503: (
        "The vault cannot record this right now",
        "Nothing was shown or changed. Wait a minute and try again.",
    ),
}


class WordConverter(BaseConverter):
    """A lower-case word in an address, such as a compartment; whether it is known is the view's to say."""

    regex = "[a-z][a-z-]{0,39}"


class SignedIn(UserMixin):  # type: ignore[misc]
    """What Flask-Login carries for the request: the actor with their unlocked keys."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.id = str(actor.officer)


def create_app(vault: RunningVault) -> Flask:
    """The service over a running vault.

    Raises UnguardedRoute when a route could be reached unguarded, and BadSettings for a role that is none.
    """
    second_factors.check_roles(vault.settings)
    app = Flask("vault", static_folder="static", template_folder="templates")
    app.extensions["vault"] = vault
    app.secret_key = vault.trust.voucher.derive("page-cookie")
    if vault.settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=vault.settings.proxies)  # type: ignore[method-assign]
    harden(app, vault.settings)
    here = Path(__file__).parent
    rooms = PrefixLoader({name: FileSystemLoader(here / name / "templates") for name in FEATURES})
    app.jinja_loader = ChoiceLoader([FileSystemLoader(here / "templates"), rooms])
    app.jinja_env.undefined = StrictUndefined
    app.url_map.converters["word"] = WordConverter
    templating.install(app, ZoneInfo(vault.settings.time_zone), vault.now)
    app.jinja_env.globals["demonstration"] = vault.settings.demonstration
    app.jinja_env.filters["as_told"] = lambda index: decoy.place_told(vault.database.engine, index)
    CSRFProtect(app)
    _recognise_officers(app)
    for name in FEATURES:
        if (here / name / "views.py").exists():
            app.register_blueprint(import_module(f"vault.{name}.views").bp)
    vault.cosigned_covering, vault.has_witness = cosigned_covering, has_witness
    _tell_of_interruptions(app)
    app.context_processor(_page_context)
    _answer_errors(app)
    check_routes(app)
    return app


def _recognise_officers(app: Flask) -> None:
    logins = LoginManager(app)
    logins.session_protection = None
    app.teardown_request(lambda _error: decoy.show_to(None))

    @app.before_request
    def recognise() -> None:
        """Look the cookie up once; a session that waits for its second factor signs nobody in."""
        g.found = None
        if request.endpoint == "static":
            return
        vault = running()
        # A new root key brings a new key for pages' tokens, and every worker must go over to the same.
        app.secret_key = vault.trust.voucher.derive("page-cookie")
        cookie = request.cookies.get(sessions.cookie_name(vault.settings), "")
        known = signing_in.recognise(vault, cookie, now()) if cookie else None
        if known is not None:
            g.found, g.actor = known
            if g.actor.is_under_duress and is_guarded(app, request.endpoint):  # The door stays the door.
                decoy.show_to(decoy.Forced(g.actor.officer, g.actor.session))

    @logins.request_loader  # type: ignore[untyped-decorator]
    def load(_request: object) -> SignedIn | None:
        if g.get("found") is None or g.found.row.stage != "live":
            return None
        return SignedIn(g.actor)


def _tell_of_interruptions(app: Flask) -> None:
    @app.after_request
    def tell(response: Response) -> Response:
        """Once something was recorded again, the ledger is told what could not be."""
        if running().interruptions.can_be_told:
            try:
                tell_interruption(running(), now())
            except (LedgerUnavailable, DBAPIError, PoolTimeout, OSError) as error:
                log.error("", extra={"event": "interruption-untold", "error": type(error).__name__})
        return response


def _page_context() -> dict[str, Any]:
    who: Actor | None = getattr(current_user, "actor", None)
    if who is None:
        return {"actor": None, "navigation": [], "Permission": Permission}
    here = request.blueprints  # Innermost first, so that one's own account is not among the officers.
    links = [
        (label, url_for(endpoint), endpoint.rpartition(".")[0] in here, 0)
        for label, endpoint, permission in NAVIGATION
        if who.may(permission) and endpoint in current_app.view_functions
    ]
    settings = running().settings
    return {
        "actor": who,
        "navigation": links,
        "idle_seconds": settings.idle_minutes * 60,
        "Permission": Permission,
    }


def _page(status: int, words: str) -> ResponseReturnValue:
    heading, next_step = WORDS.get(status, WORDS[500])
    page = render_template(
        "error.html", heading=heading, words=words, next_step=next_step, entry=None, status=status
    )
    return page, status


def _refused(error: VaultError) -> ResponseReturnValue:
    """A refusal is recorded in a transaction of its own; if it cannot be, that is the answer."""
    is_recorded = isinstance(error, RoleMayNot | NotKnown | RuleForbids | DoesNotOpen | SlowDown)
    if is_recorded and getattr(current_user, "actor", None):
        try:
            record_refusal(error)
        except (LedgerUnavailable, DBAPIError) as failure:
            return _unrecordable(failure)
    answer = current_app.make_response(_page(error.status, error.message))
    if isinstance(error, SlowDown):
        answer.headers["Retry-After"] = str(-(-error.wait // timedelta(seconds=1)))
    return answer


def _unrecordable(error: Exception) -> ResponseReturnValue:
    log.error("", extra={"event": "unrecordable", "error": type(error).__name__})
    if isinstance(error, OperationalError | InternalError | InterfaceError | PoolTimeout):
        running().note_unrecorded(error)  # What the ledger itself refused was counted there.
    if isinstance(error, LedgerDelayed):
        return _page(
            503, "Your change was kept, and its entry is still being recorded. Do not send it again."
        )
    return _page(503, CannotRecord().message)


def _forged(error: CryptoError) -> ResponseReturnValue:
    """Somebody wrote to the database past the vault, or a disk forgot: the auditor must hear of it."""
    log.error("", extra={"event": "does-not-open", "error": type(error).__name__, "where": where(error)})
    return _refused(DoesNotOpen())


def _collided(error: IntegrityError) -> ResponseReturnValue:
    log.warning("", extra={"event": "collided", "error": type(error).__name__})
    return _page(409, "Someone else changed the same thing at the same moment. Look again, then try again.")


def _plain(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status == 404 and getattr(current_user, "actor", None) is not None:
        return _refused(NotKnown())
    if 300 <= status < 400:
        return error.get_response()
    return _page(status, _words_for(status))


def _unexpected(error: Exception) -> ResponseReturnValue:
    if current_app.testing:
        raise error
    log.error("", extra={"event": "unexpected", "error": type(error).__name__, "where": where(error)})
    return _page(500, "The vault met a fault of its own.")


def _answer_errors(app: Flask) -> None:
    """Every error in words. The nearest class of an error decides which of these answers it."""
    stale = "The page was open too long, or came from somewhere else. Load it again and send it again."
    app.register_error_handler(VaultError, _refused)
    app.register_error_handler(HousingError, lambda error: _refused(RuleForbids(str(error))))
    for forged in (Refused, NotCertified, Distrusted):
        app.register_error_handler(forged, _forged)
    app.register_error_handler(StaleDataError, lambda _error: _refused(Superseded()))
    app.register_error_handler(IntegrityError, _collided)
    for unavailable in (LedgerUnavailable, DBAPIError, PoolTimeout, BadKeyFile):
        app.register_error_handler(unavailable, _unrecordable)
    app.register_error_handler(CSRFError, lambda _error: _page(400, stale))
    app.register_error_handler(HTTPException, _plain)
    app.register_error_handler(Exception, _unexpected)


def _words_for(status: int) -> str:
    return {
        400: "The request was not complete.",
        401: "Sign in to go on.",
        404: NotKnown().message,
        405: "This address is used by a button, not by itself.",
        413: "What was sent is larger than the vault takes.",
    }.get(status, "The request could not be answered.")
