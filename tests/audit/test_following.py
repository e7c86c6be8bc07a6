"""A witness that follows a ledger into its next volumes, and refuses what does not begin at their end."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.errors import NotVerified, WitnessRefuses
from audit.exported import files_in
from audit.following import OPENING
from audit.handovers import sign_hand_over
from audit.linking import VOLUMES
from audit.notes import Checkpoint, NotaryKeys
from audit.origins import origin_of
from audit.witness import Witness
from tests.audit.chapters import LEDGER, closing_entry, opening_entry
from tests.audit.test_linking import Book
from tests.audit.writing import NOON, an_entry, some_entries


@pytest.fixture(scope="module")
def keys() -> NotaryKeys:
    """The notary's keys."""
    return NotaryKeys.generate(LEDGER)


@pytest.fixture
def book(keys: NotaryKeys) -> Book:
    """One volume, not closed yet."""
    return Book([keys], [some_entries(5)], {})


def go_on(book: Book, size: int) -> None:
    """Close the newest volume and begin another of this size."""
    number = len(book.volumes) + 1
    book.volumes[-1].append(closing_entry(number))
    book.volumes.append(some_entries(size))
    book.keys.append(book.keys[-1])
    book.link(number)


class Seen:
    """A witness and what it is shown, each time in a folder of its own."""

    def __init__(self, folder: Path, keys: NotaryKeys) -> None:
        self.folder, self.keys, self.times = folder, keys, 0
        self.witness = Witness(folder / "witness", LEDGER)

    def show(self, book: Book, change: Callable[[Path], None] | None = None) -> Checkpoint:
        self.times += 1
        directory = book.write(self.folder / f"export-{self.times}")
        if change:
            change(directory)
        with self.witness.alone():
            return self.witness.cosign(files_in(directory), self.keys.verifier_keys(), NOON)


@pytest.fixture
def seen(tmp_path: Path, keys: NotaryKeys) -> Seen:
    """A witness that has seen nothing."""
    return Seen(tmp_path, keys)


def test_it_follows_into_the_next_volume_and_over_several(book: Book, seen: Seen) -> None:
    seen.show(book)
    book.volumes[0].append(an_entry())
    go_on(book, 3)
    assert (seen.show(book).origin, seen.times) == (f"{LEDGER}/volume-2", 2)
    book.volumes[1].append(an_entry())
    assert seen.show(book).size == 4
    go_on(book, 300)
    go_on(book, 2)
    cosigned = seen.show(book)
    assert (cosigned.origin, cosigned.size) == (f"{LEDGER}/volume-4", 2)
    seen.witness.key()[1].check(cosigned)


def test_it_begins_with_any_volume_from_the_keys_of_the_first(book: Book, seen: Seen) -> None:
    go_on(book, 3)
    go_on(book, 4)
    assert seen.show(book).origin == f"{LEDGER}/volume-3"


def test_the_opening_entry_may_lie_beside_the_tiles_instead_of_in_bundles(book: Book, seen: Seen) -> None:
    seen.show(book)
    go_on(book, 3)
    leaf = book.volumes[1][0].canonical()

    def without_bundles(directory: Path) -> None:
        shutil.rmtree(directory / "tile/entries")
        shutil.rmtree(directory / VOLUMES / "1/tile/entries")
        (directory / OPENING).write_bytes(leaf)

    assert seen.show(book, without_bundles).size == 3
    assert seen.times == 2


def test_it_follows_hand_overs_of_each_volume(book: Book, seen: Seen, keys: NotaryKeys) -> None:
    newer, newest = NotaryKeys.generate(LEDGER), NotaryKeys.generate(LEDGER)
    seen.show(book)
    go_on(book, 3)
    first, second = book.tree(1), book.tree(2)
    book.hand_overs[1] = [sign_hand_over(keys, newer, first.size, first.root, [])]
    origin = origin_of(LEDGER, 2)
    book.hand_overs[2] = [
        sign_hand_over(newer.named(origin), newest.named(origin), second.size, second.root, [])
    ]
    book.keys = [newer, newest]
    assert seen.show(book).size == 3
    go_on(book, 4)
    assert seen.show(book).origin == f"{LEDGER}/volume-3"
    del book.hand_overs[1]
    other = Seen(seen.folder / "other", keys)
    with pytest.raises(NotVerified):
        other.show(book)


def forget_an_accepted_entry(book: Book) -> None:
    book.volumes[0][2] = an_entry()
    book.link(2)


def forget_an_end(book: Book) -> None:
    del book.volumes[0][3:5]
    book.link(2)


def open_after_another_end(book: Book) -> None:
    book.volumes[1][0] = opening_entry(0, book.tree(2))


def open_second(book: Book) -> None:
    book.volumes[1].insert(0, an_entry())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (forget_an_accepted_entry, "does not continue"),
        (forget_an_end, "entries were cut off"),
        (open_after_another_end, "does not begin where volume 1 ended"),
        (open_second, "does not begin where volume 1 ended"),
    ],
)
def test_a_next_volume_that_does_not_go_on_from_what_was_accepted_is_refused(
    book: Book, seen: Seen, change: Callable[[Book], None], words: str
) -> None:
    seen.show(book)
    go_on(book, 3)
    change(book)
    with pytest.raises(WitnessRefuses, match=words):
        seen.show(book)
    assert len(list((seen.witness.state / "refused").iterdir())) == 1


def another_opening(directory: Path) -> None:
    (directory / OPENING).write_bytes(an_entry().canonical())


def no_opening(directory: Path) -> None:
    shutil.rmtree(directory / "tile/entries")


def no_closed(directory: Path) -> None:
    shutil.rmtree(directory / VOLUMES)


def closed_is_another(directory: Path) -> None:
    shutil.copy(directory / "checkpoint", directory / VOLUMES / "1/checkpoint")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (another_opening, "is not the first of its tree"),
        (no_opening, "opens the volume is missing"),
        (no_closed, "no checkpoint there"),
        (closed_is_another, "What is kept of volume 1 is the checkpoint of"),
    ],
)
def test_what_is_not_shown_whole_is_refused_and_may_be_shown_again(
    book: Book, seen: Seen, change: Callable[[Path], None], words: str
) -> None:
    seen.show(book)
    go_on(book, 3)
    with pytest.raises((WitnessRefuses, NotVerified), match=words):
        seen.show(book, change)
    assert seen.show(book).size == 3


def test_an_earlier_volume_is_refused_once_a_later_one_was_accepted(
    book: Book, seen: Seen, keys: NotaryKeys
) -> None:
    go_on(book, 3)
    seen.show(book)
    older = Book([keys], [book.volumes[0]], {})
    with pytest.raises(WitnessRefuses, match="is of volume 1, and volume 2 was accepted"):
        seen.show(older)


def test_a_volume_of_another_ledger_is_refused(book: Book, seen: Seen) -> None:
    other = Seen(seen.folder / "other", seen.keys)
    other.witness = Witness(seen.folder / "elsewhere", "other.example/ledger")
    go_on(book, 3)
    with pytest.raises(WitnessRefuses, match="of another log"):
        other.show(book)
