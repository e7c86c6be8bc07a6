"""The guard in front of every route: no route without a permission, no refusal without an entry."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast
from uuid import UUID

from flask import Flask, current_app, g, request
from flask_login import current_user

from vault.access.actor import Actor
from vault.access.events import Event, record_apart
from vault.access.policy import Permission
from vault.errors import NotSignedIn, RoleMayNot, VaultError
from vault.running import RunningVault

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class UnguardedRoute(RuntimeError):
    """A route declares no permission, several methods, or an untyped parameter: the vault does not start."""


def running() -> RunningVault:
    """The vault this request is answered by."""
    return cast(RunningVault, current_app.extensions["vault"])


def actor() -> Actor:
    """The signed-in officer. Raises NotSignedIn."""
    who = getattr(current_user, "actor", None)
    if not isinstance(who, Actor):
        raise NotSignedIn("Sign in to go on.")
    return who


def now() -> datetime:
    """One time for the whole request."""
    if "now" not in g:
        g.now = running().now()
    return cast(datetime, g.now)


def requires(permission: Permission) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only officers with this permission through; others are refused and the refusal is recorded."""

    def guard(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if not actor().may(permission):
                raise RoleMayNot("Your role does not include this. If you need it, ask the coordinator.")
            return view(*args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded

    return guard


def is_guarded(app: Flask, endpoint: str | None) -> bool:
    """Whether a route asks for a permission; one that does not say that it asks for none is taken to."""
    view = app.view_functions.get(endpoint or "")
    return getattr(view, "permission", view) is not None


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Declare that a route asks for no sign-in."""
    view.permission = None  # type: ignore[attr-defined]
    return view


def by_token(admit: Callable[[str], T]) -> Callable[[Callable[Concatenate[T, P], R]], Callable[P, R]]:
    """Let no officer through but whoever bears a token that `admit` takes; the view is given what it returns.

    `admit` raises NotSignedIn for every token that it does not take, and for none.
    """

    def guard(view: Callable[Concatenate[T, P], R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            kind, _, token = request.headers.get("Authorization", "").partition(" ")
            return view(admit(token if kind == "Bearer" else ""), *args, **kwargs)

        guarded.permission = None  # type: ignore[attr-defined]
        return guarded

    return guard


def record_refusal(error: VaultError) -> None:
    """Put a refusal into the ledger in a transaction of its own, with the route and the ids as asked."""
    who = actor()
    # Only references go into an entry: a word typed into an address could be a name.
    ids = [
        f"{_listed_kind() if name == 'subject_id' else _kind_of(name)}:{value}"
        for name, value in sorted((request.view_args or {}).items())
        if isinstance(value, UUID | int)
    ]
    record_apart(
        running(),
        Event.REFUSED,
        who=who,
        now=now(),
        subjects=ids,
        outcome="refused",
        facts={"route": (request.endpoint or "none").replace("_", "-"), "why": type(error).__name__},
    )


def _kind_of(parameter: str) -> str:
    return parameter.removesuffix("_id").replace("_", "-")


def _listed_kind() -> str:
    """Of what kind the subject of this address is, where the route itself lists the kinds there can be."""
    rule = request.url_rule.rule if request.url_rule else ""
    return str((request.view_args or {})["kind"]) if re.search(r"<any\([^)]*\):kind>", rule) else "subject"


_PARAMETER = re.compile(r"<(?:(?P<converter>[a-z]+)(?:\([^)]*\))?:)?[a-z_]+>")


def check_routes(app: Flask) -> None:
    """Refuse to start with a route that anybody could reach by an oversight. Raises UnguardedRoute."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "static":
            continue
        view: Any = app.view_functions[rule.endpoint]
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not hasattr(view, "permission"):
            raise UnguardedRoute(f"{rule.rule}: declare @requires(Permission.…), @public or @by_token(…)")
        if len(methods) != 1:
            raise UnguardedRoute(f"{rule.rule}: one route answers one method")
        if any(match["converter"] is None for match in _PARAMETER.finditer(rule.rule)):
            raise UnguardedRoute(f"{rule.rule}: give every parameter a type")
        if re.sub(r"<[^>]*>", "", rule.rule) != re.sub(
            r"[^a-z0-9/.-]", "", re.sub(r"<[^>]*>", "", rule.rule)
        ):
            raise UnguardedRoute(f"{rule.rule}: write it in kebab-case")
