"""No route without a permission: each planted breach keeps the vault from starting."""

from collections.abc import Callable

import pytest
from flask import Flask

from vault.access.guard import UnguardedRoute, check_routes, public, requires
from vault.access.policy import MATRIX, PERMISSIONS, Compartment, Hold, Permission, Role


def planted(rule: str, view: Callable[..., str], methods: list[str]) -> Flask:
    """An application with one route."""
    app = Flask("planted", static_folder=None)
    app.add_url_rule(rule, "planted", view, methods=methods)
    return app


@public
def fine() -> str:
    return ""


def bare() -> str:
    return ""


@pytest.mark.parametrize(
    ("rule", "view", "methods", "says"),
    [
        ("/fine", bare, ["GET"], "declare"),
        ("/fine", fine, ["GET", "POST"], "one method"),
        ("/fine/<ident>", fine, ["GET"], "a type"),
        ("/Not_Kebab", fine, ["GET"], "kebab"),
    ],
)
def test_a_planted_route_keeps_the_vault_from_starting(
    rule: str, view: Callable[..., str], methods: list[str], says: str
) -> None:
    with pytest.raises(UnguardedRoute, match=says):
        check_routes(planted(rule, view, methods))


def test_a_declared_route_lets_the_vault_start() -> None:
    check_routes(planted("/fine/<uuid:case_id>", fine, ["GET"]))
    check_routes(planted("/fine", requires(Permission.USE_VAULT)(bare), ["POST"]))


def test_every_permission_names_its_roles() -> None:
    assert set(PERMISSIONS) == set(Permission)


def test_auditors_and_administrators_hold_nothing_of_any_record() -> None:
    held = {row[role] for row in MATRIX.values() for role in (Role.AUDITOR, Role.ADMINISTRATOR)}
    assert held == {Hold.NEVER}


def test_the_matrix_has_a_row_for_every_compartment_and_a_column_for_every_role() -> None:
    assert set(MATRIX) == set(Compartment)
    assert all(set(row) == set(Role) for row in MATRIX.values())


def test_every_permission_is_told_in_words_of_its_own() -> None:
    labels = [permission.label for permission in Permission]
    assert all(len(label.split()) > 1 and label[0].islower() for label in labels)
    assert len(set(labels)) == len(labels)
