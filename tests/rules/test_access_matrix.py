"""Every route by every role, walked in full against the checked-in list: a route without a row fails."""

from pathlib import Path
from uuid import UUID

import pytest
from werkzeug.routing import Rule

from tests.cast import CAST, Cast, Officer, Stage
from vault.access.policy import Role

MATRIX = Path(__file__).with_name("access-matrix.txt")
NOWHERE = str(UUID(int=0x404))
BY_ROLE = {role: next(name for name, (_, held) in CAST.items() if held is role) for role in Role}
COLUMNS = ["visitor", *(str(role.value) for role in Role)]


def method_of(rule: Rule) -> str:
    """The one method a route answers."""
    (method,) = (rule.methods or set()) - {"HEAD", "OPTIONS"}
    return method


def routes(stage: Stage) -> dict[str, Rule]:
    """Every route as the list names it: method and pattern."""
    rules = [rule for rule in stage.app.url_map.iter_rules() if rule.endpoint != "static"]
    return {f"{method_of(rule)} {rule.rule}": rule for rule in rules}


def rows() -> dict[str, list[str]]:
    """The checked-in list: route -> status for each column."""
    lines = [line for line in MATRIX.read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0].split() == ["route", *COLUMNS]
    found = {}
    for line in lines[1:]:
        route, statuses = line.rsplit("  ", 1)
        found[route.strip()] = statuses.split()
    return found


def address(rule: Rule) -> str:
    """The route's address with ids of nothing."""
    values: dict[str, object] = {}
    for name in rule.arguments:
        converter = type(rule._converters[name]).__name__
        match converter:
            case "UUIDConverter":
                values[name] = NOWHERE
            case "IntegerConverter":
                values[name] = 999_999_999
            case "AnyConverter":
                values[name] = min(rule._converters[name].items)  # type: ignore[attr-defined]
            case "WordConverter":
                values[name] = "identity"
            case "TileName":
                values[name] = "0/000"
            case _:
                values[name] = "00000000"
    built = rule.build(values, append_unknown=False)
    assert built is not None
    return built[1]


def status(visitor: Officer, rule: Rule) -> str:
    """How a route answers, never to be cached: a page asked for, or an empty form sent."""
    path = address(rule)
    answer = visitor.get(path) if method_of(rule) == "GET" else visitor.post(path)
    assert answer.headers["Cache-Control"] == "no-store", path
    return str(answer.status_code)


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_every_route_has_a_row_and_every_row_a_route(stage: Stage) -> None:
    assert sorted(rows()) == sorted(routes(stage))


@pytest.mark.parametrize("role", [None, *Role])
@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_every_route_answers_this_role_as_the_list_says(cast: Cast, role: Role | None) -> None:
    expected = rows()
    column = COLUMNS.index(str(role.value) if role else "visitor")
    visitor = Officer(cast.stage, "nobody") if role is None else cast[BY_ROLE[role]]
    visitor.get("/sign-in" if role is None else "/sessions")
    found = {}
    for name, rule in sorted(routes(cast.stage).items()):
        if name == "POST /sign-out":
            continue
        found[name] = status(visitor, rule)
    differing = {
        name: (expected[name][column], answer)
        for name, answer in found.items()
        if name in expected and expected[name][column] != answer
    }
    assert differing == {}
