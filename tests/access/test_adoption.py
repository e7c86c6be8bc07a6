"""A vault of an earlier version is taken over once, and what was planted in it is not."""

from uuid import uuid4

from click.testing import CliRunner
from sqlalchemy import select, text

from tests.adversaries.thief import Thief
from tests.cast import Cast, Stage
from tests.programme import open_case
from vault.access import renewal
from vault.access.adoption import Adopted, adopt_keys
from vault.access.custody import KeyCase
from vault.access.events import Event, compose
from vault.access.models import HolderKey, Lockbox
from vault.commands import cli
from vault.database import row_digest, row_name
from vault.verification import verify


def make_older(stage: Stage) -> None:
    """Take away what this version added, and let entries tell of the rows as the earlier one left them."""
    vault = stage.vault
    with vault.database.engine.begin() as connection:
        connection.execute(text("UPDATE holder_keys SET code = NULL, renew_due_at = NULL"))
        connection.execute(text("UPDATE holder_keys SET certified_at = NULL WHERE signature IS NULL"))
        connection.execute(text("UPDATE lockboxes SET code = NULL, commitment = NULL"))
    with vault.reading() as db:
        rows = [*db.scalars(select(HolderKey)), *db.scalars(select(Lockbox))]
        told = {row_name(row): row_digest(row) for row in rows}
        names = sorted(told)
        made = [
            compose(
                db, vault.trust, vault.vouch, Event.KEYS_ADOPTED, who=None, now=stage.clock.now, subjects=[],
                rows={name: told[name] for name in names[start : start + 40]},
            )
            for start in range(0, len(names), 40)
        ]  # fmt: skip
    vault.weave(made)


def test_an_older_vault_is_taken_over_once_and_everything_opens_and_verifies(cast: Cast) -> None:
    open_case(cast, named=["ines", "cal"])
    stage, vault = cast.stage, cast.stage.vault
    make_older(stage)
    rows = Thief(stage).rows("SELECT id FROM holder_keys") + Thief(stage).rows("SELECT id FROM lockboxes")
    assert adopt_keys(vault) == Adopted(len(rows), 0)
    assert adopt_keys(vault) == Adopted(0, 0)
    assert verify(vault, lambda _count: None).findings == ()
    with vault.reading() as db:
        boxes = db.scalars(select(Lockbox)).all()
        KeyCase(db, cast["ada"].actor, vault.trust).fetch(boxes)
        assert renewal.due(db).lockboxes == len(boxes)  # They are to have commitments.
    renewal.renew(vault, cast["ada"].actor, lambda _count: None)
    assert (
        Thief(stage).rows("SELECT id FROM lockboxes WHERE commitment IS NULL OR rekey_due_at IS NOT NULL")
        == []
    )
    assert verify(vault, lambda _count: None).findings == ()


def test_a_key_that_was_planted_before_the_takeover_is_not_taken_over(cast: Cast) -> None:
    stage, thief = cast.stage, Thief(cast.stage)
    make_older(stage)
    pattern = thief.rows("SELECT * FROM holder_keys WHERE kind = 'officer'")[0]
    planted = uuid4()
    thief.put("holder_keys", pattern | {"id": uuid4(), "holder": planted})
    thief.run("UPDATE holder_keys SET role = 'coordinator' WHERE holder = ?", cast["cal"].actor.officer)
    assert adopt_keys(stage.vault).left == 2
    left = thief.rows("SELECT * FROM holder_keys WHERE code IS NULL")
    assert {row["role"] for row in left} == {pattern["role"], "coordinator"}
    assert len(left) == 2
    assert len(verify(stage.vault, lambda _count: None).findings) >= 2


def test_a_code_that_was_taken_away_later_is_not_given_again(cast: Cast) -> None:
    thief = Thief(cast.stage)
    assert thief.run("UPDATE holder_keys SET code = NULL WHERE holder = ?", cast["cal"].actor.officer) == 1
    assert adopt_keys(cast.stage.vault) == Adopted(0, 1)


def test_the_migrate_command_takes_over_and_says_what_to_do(cast: Cast) -> None:
    make_older(cast.stage)
    arguments = ["migrate", "--data", str(cast.stage.settings.data)]
    first, again = (CliRunner().invoke(cli, arguments) for _ in range(2))
    assert first.exit_code == again.exit_code == 0
    assert "were taken over" in first.output
    assert "were taken over" not in again.output
