"""One bit turned anywhere in an export, or in a saved proof, is refused, whatever kind of file it is in."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import LedgerError
from audit.exported import files_in
from audit.handovers import read_hand_overs, sign_hand_over, to_text
from audit.notes import NotaryKeys, VerifierKey, read_verifier_keys, signature_line
from audit.proofs import SavedProof, prove_exported
from audit.tree import leaf_hash, root_of
from audit.verify import verify
from audit.witness import Witness
from tests.audit.test_verify import write_export
from tests.audit.writing import NOON, ignore, some_entries

SIZE = 300
PROOF = "entry-260.tlog-proof"
KINDS = {
    "the checkpoint": "checkpoint",
    "the cosigned checkpoint": "checkpoint.cosigned",
    "the hand-overs": "hand-overs",
    "a full tile of hashes": "tile/0/000",
    "a partial tile of hashes": "tile/0/001.p/44",
    "a tile of a higher level": "tile/1/000.p/1",
    "a full bundle of entries": "tile/entries/000",
    "a partial bundle of entries": "tile/entries/001.p/44",
}


@dataclass(frozen=True)
class Published:
    """An export that a witness cosigned after the notary's keys were replaced, and who is to have signed."""

    folder: Path
    pinned: str
    proof: bytes

    def check(self) -> None:
        """Verify all of it. Raises LedgerError."""
        verify(self.folder, self.pinned, ignore)

    def check_proof(self, content: bytes) -> None:
        """Verify a saved proof. Raises LedgerError, and UnicodeDecodeError for what is no text."""
        hand_overs = read_hand_overs(self.folder / "hand-overs")
        SavedProof.from_text(content.decode()).check(read_verifier_keys(self.pinned), hand_overs)


def publish(folder: Path, size: int, old: NotaryKeys) -> Published:
    """An export with every kind of file that one can have."""
    new, export = NotaryKeys.generate(old.origin), folder / "export"
    written = [entry.canonical() for entry in some_entries(size)]
    write_export(export, written, new)
    handed = sign_hand_over(old, new, 9, root_of([leaf_hash(leaf) for leaf in written[:9]]), [])
    (export / "hand-overs").write_text(to_text([handed]))
    witness = Witness(folder / "witness", old.origin)
    with witness.alone():
        own = witness.key()[1]
        cosigned = witness.cosign(files_in(export), list(old.verifier_keys()), NOON)
    (export / "checkpoint.cosigned").write_text(cosigned.text)
    proof = prove_exported(files_in(export), 260).to_text().encode()
    pinned = "\n".join(key.to_text() for key in (*old.verifier_keys(), own))
    return Published(export, pinned, proof)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, notary_keys: NotaryKeys) -> Published:
    """What was published of 300 entries."""
    return publish(tmp_path_factory.mktemp("published"), SIZE, notary_keys)


def with_bit_turned(content: bytes, place: int) -> bytes:
    """The content with the bit of this number, counted from the first byte's lowest, turned."""
    at, bit = divmod(place, 8)
    return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :]


def refuse_turned(published: Published, path: Path, place: int) -> None:
    """Turn one bit of a file, see the export refused, and put the file back."""
    content = path.read_bytes()
    path.write_bytes(with_bit_turned(content, place))
    try:
        with pytest.raises(LedgerError):
            published.check()
    finally:
        path.write_bytes(content)


def test_the_export_has_every_kind_of_file_and_verifies(published: Published) -> None:
    found = {
        str(path.relative_to(published.folder)) for path in published.folder.rglob("*") if path.is_file()
    }
    assert found == set(KINDS.values())
    published.check()
    published.check_proof(published.proof)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_a_bit_turned_anywhere_in_an_export_is_refused(
    published: Published, kind: str, data: st.DataObject
) -> None:
    path = published.folder / KINDS[kind]
    refuse_turned(published, path, data.draw(st.integers(0, 8 * path.stat().st_size - 1)))


@given(data=st.data())
def test_a_bit_turned_anywhere_in_a_saved_proof_is_refused(published: Published, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, 8 * len(published.proof) - 1))
    with pytest.raises((LedgerError, UnicodeDecodeError)):
        published.check_proof(with_bit_turned(published.proof, place))


def test_a_spoilt_line_in_one_of_two_notes_is_not_hidden_by_the_other(published: Published) -> None:
    for name in ("checkpoint", "checkpoint.cosigned"):
        path = published.folder / name
        start = 0
        for line in path.read_bytes().splitlines(keepends=True):
            # The dash and the name at the beginning, and what was signed at the end.
            for at in (start, start + min(5, len(line) - 1), start + len(line) - 1):
                refuse_turned(published, path, 8 * at)
            start += len(line)


def test_a_signature_of_a_key_that_nobody_pinned_changes_nothing(published: Published) -> None:
    # As c2sp.org/signed-note demands of every verifier; whoever wants a witness heard pins its key.
    path = published.folder / "checkpoint.cosigned"
    content = path.read_bytes()
    stranger = VerifierKey("stranger.example/witness", 0x04, bytes(32))
    before = verify(published.folder, published.pinned, ignore)
    try:
        path.write_bytes(content + signature_line(stranger, bytes(72)).encode())
        assert verify(published.folder, published.pinned, ignore) == before
    finally:
        path.write_bytes(content)


@pytest.mark.soak
def test_a_bit_turned_in_a_full_tile_above_the_leaves_is_refused(
    tmp_path: Path, notary_keys: NotaryKeys
) -> None:
    large = publish(tmp_path, 65_536 + 3, notary_keys)
    for name in ("tile/1/000", "tile/2/000.p/1"):
        path = large.folder / name
        for place in range(5, 8 * path.stat().st_size, 1013):
            refuse_turned(large, path, place)
