"""The auditor takes in what the outside witness cosigned, and sees how far behind it is."""

import io
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from audit.exported import files_in
from audit.notes import NotaryKeys, parse, read_verifier_keys
from audit.proofs import SavedProof
from audit.witness import Witness
from tests.cast import Cast
from tests.oversight.log_machine import registered
from tests.oversight.test_prove import exported
from tests.oversight.test_read import plain
from tests.programme import open_case
from vault.oversight.models import KeptCheckpoint, RegisteredWitness
from vault.oversight.witnessing import cosigned_covering

# Nothing here asks the database in words of its own.
pytestmark = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def witness_in(cast: Cast, folder: Path) -> Witness:
    """A witness of this vault's ledger; the auditor registers its key when it is new."""
    witness = Witness(folder / "witness", cast.stage.settings.origin)
    with witness.alone():
        key = witness.key()[1].to_text()
    with cast.stage.vault.reading() as db:
        known = db.scalars(select(RegisteredWitness.key)).all()
    if key not in known:
        registered(cast, key, "laptop in the audit office")
    return witness


def cosigned(cast: Cast, folder: Path, at: datetime) -> str:
    """What a registered witness to whom an export was carried gives back."""
    witness = witness_in(cast, folder)
    export = folder / f"export-{len(list(folder.iterdir()))}"
    zipfile.ZipFile(io.BytesIO(exported(cast))).extractall(export)
    pinned = read_verifier_keys(cast.stage.settings.notary_public.read_text())
    with witness.alone():
        return witness.cosign(files_in(export), pinned, at).text


def give(cast: Cast, note: str) -> tuple[int, str]:
    cast["aud"].get("/ledger/witnesses/take-in")
    answer = cast["aud"].post("/ledger/witnesses/take-in", note=note)
    return answer.status_code, plain(answer.text)


def kept(cast: Cast) -> list[str]:
    """The notes of witnesses that the vault keeps, the newest last."""
    with cast.stage.vault.reading() as db:
        query = select(KeptCheckpoint.note).where(KeptCheckpoint.witness.is_not(None))
        return list(db.scalars(query.order_by(KeptCheckpoint.kept_at)))


def checkpoint_page(cast: Cast) -> str:
    return plain(cast["aud"].get("/ledger/checkpoint").text)


def test_a_cosigned_note_is_taken_in_recorded_and_shown_until_the_witness_is_behind(
    cast: Cast, tmp_path: Path
) -> None:
    exported(cast)
    assert "No witness yet" in checkpoint_page(cast)
    assert "knows no witness yet" in plain(cast["aud"].get("/ledger/witnesses/take-in").text)
    open_case(cast, named=[])
    witness_in(cast, tmp_path)
    assert "Has cosigned nothing yet" in checkpoint_page(cast)
    assert "behind" not in checkpoint_page(cast)
    cast.stage.clock.forward(hours=25)
    del cast["aud"]
    assert "The witness is behind" in checkpoint_page(cast)
    note = cosigned(cast, tmp_path, cast.stage.clock())
    # A browser sends the lines of a box with carriage returns.
    status, _ = give(cast, note.replace("\n", "\r\n"))
    assert status == 303
    assert kept(cast) == [note]
    page = checkpoint_page(cast)
    assert f"{parse(note).size} Vouches" in page
    assert "behind" not in page
    assert "took in what the outside witness “laptop in the audit office” cosigned" in plain(
        cast["aud"].get("/ledger").text
    )


def test_a_proof_bears_the_witness_where_one_vouched_for_the_entry(cast: Cast, tmp_path: Path) -> None:
    open_case(cast, named=[])
    note = cosigned(cast, tmp_path, cast.stage.clock())
    assert give(cast, note)[0] == 303
    settings = cast.stage.settings
    both = settings.notary_public.read_text() + (tmp_path / "witness" / "witness.vkey").read_text()
    proof = SavedProof.from_text(cast["aud"].get("/ledger/3/proof").text)
    assert len(proof.check(read_verifier_keys(both), []).signers) == 3
    newest = SavedProof.from_text(cast["aud"].get(f"/ledger/{parse(note).size}/proof").text)
    assert newest.checkpoint.size > parse(note).size
    assert len(newest.check(read_verifier_keys(settings.notary_public.read_text()), []).signers) == 2


def test_a_note_that_witness_and_notary_did_not_both_sign_is_refused_and_kept_in_its_box(
    cast: Cast, tmp_path: Path
) -> None:
    open_case(cast, named=[])
    note = cosigned(cast, tmp_path, cast.stage.clock())
    lines = note.splitlines(keepends=True)
    checkpoint = parse(note)
    thief = NotaryKeys.generate(checkpoint.origin)
    forged = thief.sign(checkpoint.size, checkpoint.root, cast.stage.clock()).text + lines[-1]
    turned = note[:-20] + ("A" if note[-20] != "A" else "B") + note[-19:]
    for wrong in ("nonsense", "".join(lines[:-1]), forged, turned, note.replace(lines[1], "9\n")):
        status, page = give(cast, wrong)
        assert status == 422
        assert wrong.split("\n")[0] in page
    assert kept(cast) == []
    aud = cast["aud"]
    with cast.stage.vault.reading() as db:
        (witness,) = db.scalars(select(RegisteredWitness.id)).all()
    aud.get(f"/ledger/witnesses/{witness}/end")
    assert aud.post(f"/ledger/witnesses/{witness}/end").status_code == 303
    status, page = give(cast, note)
    assert (status, "cosignature of a witness that is registered here" in page) == (422, True)


def test_an_older_note_and_one_from_the_future_are_refused(cast: Cast, tmp_path: Path) -> None:
    open_case(cast, named=[])
    start = cast.stage.clock()
    earlier = cosigned(cast, tmp_path, start - timedelta(hours=2))
    later = cosigned(cast, tmp_path, start)
    ahead = cosigned(cast, tmp_path, start + timedelta(days=3))
    assert give(cast, later)[0] == 303
    assert "newer note" in give(cast, earlier)[1]
    assert "clock is ahead" in give(cast, ahead)[1]
    assert kept(cast) == [later]


def test_a_note_two_days_old_says_that_the_witness_is_behind(cast: Cast, tmp_path: Path) -> None:
    open_case(cast, named=[])
    assert give(cast, cosigned(cast, tmp_path, cast.stage.clock() - timedelta(days=2)))[0] == 303
    page = checkpoint_page(cast)
    assert "The witness is behind" in page
    assert "2 days ago" in page


def test_a_ledger_that_does_not_go_through_what_the_witness_saw_is_said_to_be_changed(
    cast: Cast, tmp_path: Path
) -> None:
    open_case(cast, named=[])
    note = cosigned(cast, tmp_path, cast.stage.clock())
    assert give(cast, note)[0] == 303
    with cast.stage.vault.reading() as db:
        assert cosigned_covering(cast.stage.vault, db, parse(note).size) == parse(note)
        assert cosigned_covering(cast.stage.vault, db, parse(note).size + 1) is None
    with cast.stage.vault.database.engine.begin() as connection:
        for name in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(f"DROP TRIGGER ledger_heads_no_{name.lower()}")
        size = parse(note).size
        connection.exec_driver_sql(f"UPDATE ledger_heads SET root = zeroblob(32) WHERE size = {size}")
    assert "The ledger is not what the witness saw" in checkpoint_page(cast)
    with cast.stage.vault.reading() as db:
        assert cosigned_covering(cast.stage.vault, db, 1) is None
    status, page = give(cast, note)
    assert (status, "does not go through what the witness saw" in page) == (422, True)
