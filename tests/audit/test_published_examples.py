"""Notes that others published, read and verified by our code.

What c2sp.org/signed-note, tlog-checkpoint and tlog-cosignature show, and whose keys are known, is in
`test_witness.py`; paths of tlog-tiles are in `test_export.py`. The example of tlog-proof is abridged there.
"""

from base64 import b64decode

import pytest

from audit.errors import NotVerified
from audit.notes import VerifierKey, parse, signatures_by
from crypto.errors import Refused
from crypto.signatures import verify_ed25519

GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
GO_NOTE = (
    f"{GO_TEXT}\n\u2014 PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
POEM = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned \u00e8 subito sera.\n\n"
    "\u2014 quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)


def test_the_example_of_gos_note_package_verifies() -> None:
    key = VerifierKey.from_text(GO_KEY)
    (signature,) = signatures_by(key, GO_NOTE)
    verify_ed25519(key.public, signature, GO_TEXT.encode())
    with pytest.raises(Refused):
        verify_ed25519(key.public, signature, GO_TEXT.upper().encode())


@pytest.mark.parametrize("note", [GO_NOTE, POEM])
def test_a_note_that_is_no_checkpoint_is_refused_as_one(note: str) -> None:
    with pytest.raises(NotVerified, match="not a signed note of three lines"):
        parse(note)


def test_the_signature_of_the_note_specifications_poem_is_framed_as_ours_are() -> None:
    # Its key was never published, so that only the frame can be compared: four bytes of key id, 64 signed.
    line = POEM.splitlines()[-1]
    assert len(b64decode(line.split(" ")[2], validate=True)) == 4 + 64
