"""Addresses and statements, compiled once for each worker instead of once for each test's vault.

Every test has a vault and an application of its own; what they compile is the same each time, so it is kept
through the libraries' own places for such choices: Flask's class of rules, SQLAlchemy's registry of dialects.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]

_BUILDERS: dict[tuple[object, ...], Builder] = {}


class KeptRule(Rule):
    """An address whose builder is compiled once; the builder takes everything else from the rule itself."""

    def _compile_builder(self, append_unknown: bool = True) -> Builder:
        if self.defaults:
            return super()._compile_builder(append_unknown)
        key = (self.rule, tuple(self._trace), append_unknown)
        if key not in _BUILDERS:
            _BUILDERS[key] = super()._compile_builder(append_unknown)
        return _BUILDERS[key]


class KeptStatements:
    """Dialects of one class count as the same, so that their engines share what was compiled.

    Every engine of a worker speaks to the same server and is made with the same settings of its dialect.
    """

    statements: ClassVar[dict[Any, Any]]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        engine.update_execution_options(compiled_cache=cls.statements)


class KeptSQLite(KeptStatements, SQLiteDialect_pysqlite):
    """SQLite."""

    supports_statement_cache = True
    statements: ClassVar[dict[Any, Any]] = {}


class KeptPostgreSQL(KeptStatements, PGDialect_psycopg):
    """PostgreSQL."""

    supports_statement_cache = True
    statements: ClassVar[dict[Any, Any]] = {}


def keep() -> None:
    """Compile once from now on."""
    Flask.url_rule_class = KeptRule
    registry.register("sqlite", __name__, "KeptSQLite")
    registry.register("postgresql.psycopg", __name__, "KeptPostgreSQL")
