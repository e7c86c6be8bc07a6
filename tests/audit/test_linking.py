"""An export of several volumes: verified from the key of any, and every link that does not fit is named."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from audit.__main__ import main
from audit.entries import Entry
from audit.errors import LedgerError, NotVerified
from audit.export import Writer
from audit.handovers import HAND_OVERS, HandOver, lead_to, sign_hand_over, to_text
from audit.joints import FinalTree, closing_facts
from audit.linking import VOLUMES, verify_ledger
from audit.notes import NotaryKeys, VerifierKey
from audit.origins import origin_of
from audit.tree import from_leaves, leaf_hash, root_of
from tests.audit.chapters import LEDGER, closing_entry, opening_entry
from tests.audit.writing import NOON, an_entry, ignore, some_entries


@dataclass
class Book:
    """The leaves of each volume, as they would be signed and exported."""

    keys: list[NotaryKeys]  # those in use at the end of each volume
    volumes: list[list[Entry]]
    hand_overs: dict[int, list[HandOver]]

    def tree(self, number: int) -> FinalTree:
        hashes = [leaf_hash(entry.canonical()) for entry in self.volumes[number - 1]]
        return FinalTree(origin_of(LEDGER, number), len(hashes), root_of(hashes))

    def first_index(self, number: int) -> int:
        return sum(len(volume) for volume in self.volumes[: number - 1])

    def link(self, number: int) -> None:
        """Let the first entry of a volume name the one before as it is now."""
        if number <= len(self.volumes):
            self.volumes[number - 1][0] = opening_entry(self.first_index(number), self.tree(number - 1))

    def write(self, directory: Path) -> Path:
        for number, entries in enumerate(self.volumes, 1):
            last = number == len(self.volumes)
            folder = directory if last else directory / VOLUMES / str(number)
            folder.mkdir(parents=True, exist_ok=True)
            writer, tree = Writer(folder, from_leaves([]), 0), self.tree(number)
            for entry in entries:
                writer.add(entry.canonical())
            writer.finish()
            signed = self.keys[number - 1].named(tree.origin).sign(tree.size, tree.root, NOON)
            (folder / "checkpoint").write_text(signed.text)
            if number in self.hand_overs:
                (folder / HAND_OVERS).write_text(to_text(self.hand_overs[number]))
        return directory


@pytest.fixture(scope="module")
def keys() -> NotaryKeys:
    """The notary's keys."""
    return NotaryKeys.generate(LEDGER)


@pytest.fixture
def book(keys: NotaryKeys) -> Book:
    """Three volumes; the second has more entries than one tile."""
    made = Book([keys] * 3, [], {})
    for number, size in ((1, 7), (2, 300), (3, 5)):
        made.volumes.append(some_entries(size))
        if number > 1:
            made.link(number)
        if number < 3:
            made.volumes[-1].append(closing_entry(number + 1))
    return made


def vkeys(keys: NotaryKeys, number: int) -> str:
    return "\n".join(key.to_text() for key in keys.named(origin_of(LEDGER, number)).verifier_keys())


def fault(directory: Path, pinned: str) -> str:
    with pytest.raises(LedgerError) as refusal:
        verify_ledger(directory, pinned, ignore, 1)
    return str(refusal.value)


@pytest.mark.parametrize("pinned", [1, 2, 3])
def test_the_key_of_any_volume_verifies_all_of_them(
    book: Book, keys: NotaryKeys, tmp_path: Path, pinned: int
) -> None:
    directory, counted = book.write(tmp_path), list[int]()
    reports = verify_ledger(directory, vkeys(keys, pinned), counted.append, 1)
    assert [report.size for report in reports] == [8, 301, 5]
    assert [report.first_index for report in reports] == [0, 8, 309]
    assert [len(report.signers) for report in reports] == [2 if n >= pinned else 0 for n in (1, 2, 3)]
    assert sum(counted) == 314
    (tmp_path / "key").write_text(vkeys(keys, pinned))
    answer = CliRunner().invoke(main, ["verify", str(directory), "--key", str(tmp_path / "key")])
    assert answer.exit_code == 0, answer.output
    for number, size in ((1, 8), (2, 301), (3, 5)):
        assert f"volume {number}, {size} entries" in answer.output


def test_keys_that_were_handed_over_lead_from_volume_to_volume(
    book: Book, keys: NotaryKeys, tmp_path: Path
) -> None:
    newer, newest = NotaryKeys.generate(LEDGER), NotaryKeys.generate(LEDGER)

    def made(old: NotaryKeys, new: NotaryKeys, number: int) -> HandOver:
        origin = origin_of(LEDGER, number)
        root = root_of([leaf_hash(entry.canonical()) for entry in book.volumes[number - 1][:2]])
        return sign_hand_over(old.named(origin), new.named(origin), 2, root, [])

    book.hand_overs = {1: [made(keys, newer, 1)], 3: [made(newer, newest, 3)]}
    book.keys = [newer, newer, newest]
    directory = book.write(tmp_path)
    for key, number in ((keys, 1), (newer, 1), (newer, 2), (newer, 3), (newest, 3)):
        assert len(verify_ledger(directory, vkeys(key, number), ignore, 1)) == 3
    for key, number in ((keys, 2), (newest, 1), (NotaryKeys.generate(LEDGER), 1)):
        assert "signature" in fault(directory, vkeys(key, number)) or "hand-overs" in fault(
            directory, vkeys(key, number)
        )
    (directory / VOLUMES / "1" / HAND_OVERS).unlink()
    assert fault(directory, vkeys(keys, 1)).startswith("Volume 1: ")


def entry_at(book: Book, number: int, place: int, **changes: object) -> None:
    volume = book.volumes[number - 1]
    volume[place] = replace(volume[place], **changes)  # type: ignore[arg-type]


def _wrong(name: str, value: object) -> Callable[[Book], None]:
    def change(book: Book) -> None:
        entry_at(book, 2, 0, facts={**book.volumes[1][0].facts, name: value})
        book.link(3)

    return change


def _insert(number: int, place: int, entry: Entry) -> Callable[[Book], None]:
    def change(book: Book) -> None:
        book.volumes[number - 1].insert(place, entry)
        for later in range(number + 1, 4):
            book.link(later)

    return change


def _replace(number: int, place: int, entry: Entry) -> Callable[[Book], None]:
    def change(book: Book) -> None:
        book.volumes[number - 1][place] = entry
        for later in range(number + 1, 4):
            book.link(later)

    return change


def _relink_without(book: Book) -> None:
    book.volumes[0].pop(3)


_TREE = FinalTree(LEDGER, 8, bytes(32))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_wrong("earlier-root", "00" * 32), "Volume 2: its first entry names another end of volume 1"),
        (_wrong("earlier-size", 7), "Volume 2: its first entry names another end of volume 1"),
        (_wrong("earlier-origin", "other.example/ledger"), "Volume 2: its first entry names another end"),
        (_wrong("first-index", 9), "Volume 2: its first entry names another end of volume 1"),
        (_wrong("volume", 3), "Volume 2: its first entry names another end of volume 1"),
        (_relink_without, "Volume 2: its first entry names another end of volume 1"),
        (_insert(2, 0, an_entry()), "Volume 2: Entry 9: it opens a volume and is not the first of one."),
        (_insert(3, 2, opening_entry(9, _TREE)), "Volume 3: Entry 311: it opens a volume and is not"),
        (_insert(1, 2, opening_entry(9, _TREE)), "Volume 1: Entry 2: it opens a volume and is not the first"),
        (_replace(2, 0, an_entry()), "Volume 2: Entry 8: it is the first of volume 2 and does not open it."),
        (_insert(1, 8, an_entry()), "Volume 1: Entry 7: it closes the volume and is not its last."),
        (_replace(1, 7, an_entry()), "Volume 2: the last entry of volume 1 does not close it"),
        (
            _replace(1, 7, an_entry(event="ledger-volume-closed", facts=closing_facts(LEDGER, 2))),
            "Volume 2: the last entry of volume 1 does not close it",
        ),
    ],
)  # fmt: skip
def test_a_link_that_does_not_fit_is_named_although_everything_is_signed(
    book: Book, keys: NotaryKeys, tmp_path: Path, change: Callable[[Book], None], words: str
) -> None:
    change(book)
    directory = book.write(tmp_path)
    for pinned in (1, 3):
        assert fault(directory, vkeys(keys, pinned)).startswith(words)


def test_a_missing_or_misplaced_volume_is_named(book: Book, keys: NotaryKeys, tmp_path: Path) -> None:
    directory = book.write(tmp_path / "export")
    one, two = (directory / VOLUMES / number for number in ("1", "2"))
    away = two.rename(tmp_path / "away")
    assert fault(directory, vkeys(keys, 1)) == "Volume 2 is missing from the export."
    assert fault(directory, vkeys(keys, 3)) == "Volume 2 is missing from the export."
    shutil.copytree(one, two)
    assert fault(directory, vkeys(keys, 1)).startswith("Volume 2: its folder holds the checkpoint of")
    shutil.rmtree(two)
    away.rename(two)
    shutil.rmtree(one)
    assert fault(directory, vkeys(keys, 1)) == "Volume 1, whose key was given, is missing from the export."
    assert [report.size for report in verify_ledger(directory, vkeys(keys, 2), ignore, 1)] == [301, 5]
    shutil.rmtree(two)
    (alone,) = verify_ledger(directory, vkeys(keys, 3), ignore, 1)
    assert alone.size == 5


def test_a_closed_volume_alone_says_where_the_ledger_goes_on(
    book: Book, keys: NotaryKeys, tmp_path: Path
) -> None:
    folder = book.write(tmp_path / "export") / VOLUMES / "1"
    (tmp_path / "key").write_text(vkeys(keys, 1))
    answer = CliRunner().invoke(main, ["verify", str(folder), "--key", str(tmp_path / "key")])
    assert answer.exit_code == 0
    assert f"goes on in {LEDGER}/volume-2, which is not here" in answer.output


@pytest.mark.parametrize("number", [1, 2, 3])
def test_an_entry_altered_is_named_by_its_place_in_the_whole_ledger(
    book: Book, keys: NotaryKeys, tmp_path: Path, number: int
) -> None:
    directory = book.write(tmp_path)
    folder = directory if number == 3 else directory / VOLUMES / str(number)
    size = len(book.volumes[number - 1])
    bundle = folder / "tile/entries" / ("000" if size >= 256 else f"000.p/{size}")
    content = bundle.read_bytes()
    at = content.index(b'"number":3')
    bundle.write_bytes(content[:at] + b'"number":4' + content[at + 10 :])
    place = book.first_index(number) + 3
    assert fault(directory, vkeys(keys, 1)).startswith(f"Volume {number}: Entry {place:,}: ")


def test_a_volume_signed_by_strangers_is_refused(book: Book, keys: NotaryKeys, tmp_path: Path) -> None:
    stranger = NotaryKeys.generate(LEDGER)
    for number in (1, 2, 3):
        book.keys = [stranger if n == number else keys for n in (1, 2, 3)]
        directory = book.write(tmp_path / str(number))
        assert fault(directory, vkeys(keys, 1)).startswith(f"Volume {number}: ")


def test_keys_of_several_volumes_at_once_are_asked_for_again(
    book: Book, keys: NotaryKeys, tmp_path: Path
) -> None:
    both = vkeys(keys, 1) + "\n" + vkeys(keys, 2)
    assert "Give those of one" in fault(book.write(tmp_path), both)
    other = NotaryKeys.generate("other.example/ledger").verifier_keys()[0].to_text()
    assert "is not one of the log" in fault(tmp_path, other)


@pytest.mark.parametrize(
    ("index", "number"), [(0, 1), (7, 1), (8, 2), (200, 2), (308, 2), (309, 3), (313, 3)]
)
def test_a_proof_of_any_entry_verifies_by_the_keys_of_the_first_volume(
    book: Book, keys: NotaryKeys, tmp_path: Path, index: int, number: int
) -> None:
    directory, proof = book.write(tmp_path / "export"), tmp_path / "entry"
    (tmp_path / "key").write_text(vkeys(keys, 1))
    answer = CliRunner().invoke(main, ["prove", str(directory), str(index), "--to", str(proof)])
    assert answer.exit_code == 0, answer.output
    answer = CliRunner().invoke(main, ["verify", str(proof), "--key", str(tmp_path / "key")])
    assert answer.exit_code == 0, answer.output
    assert f"in the ledger {origin_of(LEDGER, number)} of" in answer.output
    (tmp_path / "stranger").write_text(vkeys(NotaryKeys.generate(LEDGER), 1))
    assert (
        CliRunner().invoke(main, ["verify", str(proof), "--key", str(tmp_path / "stranger")]).exit_code == 1
    )


def test_no_proof_is_saved_of_an_entry_that_the_export_has_not(book: Book, tmp_path: Path) -> None:
    directory = book.write(tmp_path / "export")
    answer = CliRunner().invoke(main, ["prove", str(directory), "314", "--to", str(tmp_path / "entry")])
    assert (answer.exit_code, "has no entry 314: it has 314" in answer.output) == (1, True)


def test_keys_lead_forward_only_and_within_one_ledger(keys: NotaryKeys) -> None:
    def names(pinned: Sequence[VerifierKey], origin: str) -> set[str]:
        return {key.name for key in lead_to(pinned, origin, [])}

    later = keys.named(f"{LEDGER}/volume-3").verifier_keys()
    assert names(keys.verifier_keys(), f"{LEDGER}/volume-3") == {f"{LEDGER}/volume-3"}
    assert names(later, LEDGER) == {f"{LEDGER}/volume-3"}
    assert names(keys.verifier_keys(), "other.example/ledger/volume-2") == {LEDGER}


def test_what_is_no_export_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(NotVerified, match="no checkpoint"):
        verify_ledger(tmp_path, "x", ignore, 1)
