"""The auditor takes in what the outside witness cosigned, and sees how far behind it is."""

import io
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from audit.exported import files_in
from audit.notes import NotaryKeys, parse, read_verifier_keys
from audit.proofs import SavedProof
from audit.witness import Witness
from tests.cast import Cast
from tests.oversight.test_prove import exported
from tests.oversight.test_read import plain
from tests.programme import open_case

# Nothing here asks the database in words of its own.
pytestmark = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def cosigned(cast: Cast, folder: Path, at: datetime) -> str:
    """What a witness to whom an export was carried gives back; the vault is told the witness's key."""
    settings = cast.stage.settings
    export = folder / f"export-{len(list(folder.iterdir()))}"
    zipfile.ZipFile(io.BytesIO(exported(cast))).extractall(export)
    witness = Witness(folder / "witness", settings.origin)
    pinned = read_verifier_keys(settings.notary_public.read_text())
    with witness.alone():
        note = witness.cosign(files_in(export), pinned, at)
    settings.witness_public.write_text((witness.state / "witness.vkey").read_text())
    return note.text


def give(cast: Cast, note: str) -> tuple[int, str]:
    cast["aud"].get("/ledger/witness")
    answer = cast["aud"].post("/ledger/witness", note=note)
    return answer.status_code, plain(answer.text)


def checkpoint_page(cast: Cast) -> str:
    return plain(cast["aud"].get("/ledger/checkpoint").text)


def test_a_cosigned_note_is_taken_in_recorded_and_shown_until_the_witness_is_behind(
    cast: Cast, tmp_path: Path
) -> None:
    exported(cast)
    assert "No witness yet" in checkpoint_page(cast)
    assert "knows no witness yet" in plain(cast["aud"].get("/ledger/witness").text)
    open_case(cast, named=[])
    note = cosigned(cast, tmp_path, cast.stage.clock())
    assert "Has cosigned nothing yet" in checkpoint_page(cast)
    assert "The witness is behind" in checkpoint_page(cast)
    # A browser sends the lines of a box with carriage returns.
    status, _ = give(cast, note.replace("\n", "\r\n"))
    assert status == 303
    assert cast.stage.settings.cosigned.read_text() == note
    page = checkpoint_page(cast)
    assert f"Cosigned {parse(note).size} entries" in page
    assert "behind" not in page
    assert "took in what the outside witness cosigned" in plain(cast["aud"].get("/ledger").text)


def test_a_proof_bears_the_witness_where_one_vouched_for_the_entry(cast: Cast, tmp_path: Path) -> None:
    open_case(cast, named=[])
    note = cosigned(cast, tmp_path, cast.stage.clock())
    assert give(cast, note)[0] == 303
    settings = cast.stage.settings
    both = settings.notary_public.read_text() + settings.witness_public.read_text()
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
    assert not cast.stage.settings.cosigned.exists()
    cast.stage.settings.witness_public.unlink()
    status, page = give(cast, note)
    assert (status, "cosignature of a witness that this vault knows" in page) == (422, True)


def test_an_older_note_and_one_from_the_future_are_refused(cast: Cast, tmp_path: Path) -> None:
    open_case(cast, named=[])
    start = cast.stage.clock()
    earlier = cosigned(cast, tmp_path, start - timedelta(hours=2))
    later = cosigned(cast, tmp_path, start)
    ahead = cosigned(cast, tmp_path, start + timedelta(days=3))
    assert give(cast, later)[0] == 303
    assert "newer note" in give(cast, earlier)[1]
    assert "clock is ahead" in give(cast, ahead)[1]
    assert cast.stage.settings.cosigned.read_text() == later


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
    with cast.stage.vault.database.engine.begin() as connection:
        for name in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(f"DROP TRIGGER ledger_heads_no_{name.lower()}")
        size = parse(note).size
        connection.exec_driver_sql(f"UPDATE ledger_heads SET root = zeroblob(32) WHERE size = {size}")
    assert "The ledger is not what the witness saw" in checkpoint_page(cast)
    status, page = give(cast, note)
    assert (status, "does not go through what the witness saw" in page) == (422, True)
