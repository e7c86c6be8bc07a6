"""After the last decision the referral has a new key: what its author kept opens it no longer."""

from sqlalchemy import select

from tests.cast import Cast
from tests.keys.raw_opening import Walk, opened_boxes, read
from tests.programme import send_referral
from vault.access.models import Lockbox
from vault.access.policy import Compartment


def test_what_its_author_kept_opens_a_referral_until_the_last_decision_and_not_after(
    cast: Cast,
) -> None:
    referral, pat, ada = send_referral(cast), cast["pat"].actor, cast["ada"]
    engine, walk = cast.stage.vault.database.engine, Walk()
    kept = walk.reach(read(engine), pat.officer, pat.identity.seed).parts
    with cast.stage.vault.reading() as db:
        box = db.scalars(select(Lockbox).where(Lockbox.subject == f"referral:{referral}")).one()
    assert box.compartment is Compartment.INTAKE
    ada.get(f"/referrals/{referral}")
    for version, outcome in enumerate(("yes", "yes", "no"), 1):
        assert opened_boxes(read(engine), kept) == {box.id}
        answer = ada.post(
            f"/referrals/{referral}/decide", outcome=outcome, reasons="Not critical.", version=str(version)
        )
        assert answer.status_code == 303, answer.text
    assert opened_boxes(read(engine), kept) == set()
    assert walk.reach(read(engine), pat.officer, pat.identity.seed).parts == {}
    now_held = walk.reach(read(engine), ada.actor.officer, ada.actor.identity.seed).parts
    assert box.id in opened_boxes(read(engine), now_held)
