"""Every page of the vault, found from its own map of routes, with real ids filled in."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any
from uuid import UUID

from flask import Flask
from werkzeug.routing import Rule

from vault.access.policy import Compartment, Role, may


def rules(app: Flask, method: str) -> list[Rule]:
    """The routes that answer a method, but for files."""
    found = [rule for rule in app.url_map.iter_rules() if method in (rule.methods or ())]
    return sorted((rule for rule in found if rule.endpoint != "static"), key=lambda rule: rule.rule)


def is_guarded(app: Flask, rule: Rule) -> bool:
    """Whether the route asks for a permission."""
    return getattr(app.view_functions[rule.endpoint], "permission", None) is not None


def is_for(app: Flask, rule: Rule, role: Role) -> bool:
    """Whether officers of the role may use the route."""
    permission = getattr(app.view_functions[rule.endpoint], "permission", None)
    return permission is not None and may(role, permission)


def paths(app: Flask, rule: Rule, known: Mapping[str, Sequence[UUID]]) -> Iterator[str]:
    """The route's addresses for every combination of the ids that `known` lists by parameter.

    A parameter of a new name raises KeyError, so that nobody forgets to give it ids.
    """
    names = sorted(rule.arguments)
    for values in product(*(_values(rule, name, known) for name in names)):
        given = dict(zip(names, values, strict=True))
        if "subject_id" in given and given["subject_id"] not in known[f"{given['kind']}_id"]:
            continue  # The id of a case stands for no person.
        yield app.url_map.bind("localhost").build(rule.endpoint, given)


def _values(rule: Rule, name: str, known: Mapping[str, Sequence[UUID]]) -> Sequence[Any]:
    converter = rule._converters[name]
    match type(converter).__name__:
        case "AnyConverter":
            return sorted(converter.items)
        case "WordConverter":
            return [str(compartment.value) for compartment in Compartment]
        case "IntegerConverter":
            return [0]
        case "SessionMark":
            return ["00000000"]
        case "TileName":
            return ["0/000.p/1"]
        case _:
            if name == "subject_id":
                return [*known["case_id"], *known["person_id"]]
            return known[name]
