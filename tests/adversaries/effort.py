"""How much work an answer took, counted and not timed: statements, keys derived, seals opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.hpke import Suite
from sqlalchemy import event

import crypto.passwords
from crypto.suites import SUITES
from tests.cast import Stage
from vault import vouching


@dataclass
class Effort:
    """The statements that were run, in order, and how often the two costly primitives were used."""

    statements: list[str] = field(default_factory=list)
    derivations: int = 0
    seals_opened: int = 0


class _CountingSuite:
    """The real HPKE suite, with a count of what it opened."""

    def __init__(self, suite: Any, spent: Effort) -> None:
        self._suite, self._spent = suite, spent

    def decrypt(self, *arguments: Any) -> Any:
        self._spent.seals_opened += 1
        return self._suite.decrypt(*arguments)

    def encrypt(self, *arguments: Any) -> Any:
        return self._suite.encrypt(*arguments)


@contextmanager
def effort(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Effort]:
    """Count what the vault does while the block runs; everything is really done."""
    spent = Effort()
    argon2id, engine = crypto.passwords.Argon2id, stage.vault.database.engine

    def derive(**cost: Any) -> Any:
        spent.derivations += 1
        return argon2id(**cost)

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        spent.statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    with monkeypatch.context() as patch:
        patch.setattr(crypto.passwords, "Argon2id", derive)
        # Every ten seconds the vault reads its own keys anew, whoever is asking; that is nobody's effort.
        patch.setattr(vouching, "REFRESH_SECONDS", float("inf"))
        for number, suite in SUITES.items():
            patch.setitem(
                SUITES, number, suite._replace(hpke=cast("Suite", _CountingSuite(suite.hpke, spent)))
            )
        yield spent
    event.remove(engine, "before_cursor_execute", note)
