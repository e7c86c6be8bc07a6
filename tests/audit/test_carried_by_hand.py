"""An export carried by hand may hold anything: what is no file of one is refused, not read for ever."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from audit.errors import NotVerified
from audit.exported import LARGEST_FILE
from audit.linking import count_all, verify_ledger
from audit.notes import NotaryKeys
from audit.tiles import CHECKPOINT, COSIGNED
from tests.audit.test_verify import write_export
from tests.audit.writing import ignore, some_entries

BUNDLE, TILE = "tile/entries/000", "tile/0/000"
FILES = [CHECKPOINT, "hand-overs", BUNDLE, TILE]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, notary_keys: NotaryKeys) -> Path:
    """An export with a full bundle."""
    directory = tmp_path_factory.mktemp("sound") / "export"
    write_export(directory, [entry.canonical() for entry in some_entries(300)], notary_keys)
    return directory


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def silent(path: Path) -> None:
    os.mkfifo(path)


def huge(path: Path) -> None:
    path.write_bytes(b"")
    os.truncate(path, LARGEST_FILE + 1)


@pytest.mark.parametrize("spoil", [endless, silent, Path.mkdir, huge])
@pytest.mark.parametrize("name", FILES)
def test_what_is_no_file_of_an_export_is_refused_and_named(
    sound: Path, tmp_path: Path, vkeys: str, name: str, spoil: Callable[[Path], None]
) -> None:
    export = Path(shutil.copytree(sound, tmp_path / "export"))
    (export / name).unlink(missing_ok=True)
    spoil(export / name)
    with pytest.raises(NotVerified, match=f"{Path(name).name}.*(not a file|larger than any)"):
        verify_ledger(export, vkeys, ignore, 1)


@pytest.mark.parametrize("spoil", [endless, silent])
def test_what_lies_in_the_place_of_a_cosigned_note_says_nothing(
    sound: Path, tmp_path: Path, vkeys: str, spoil: Callable[[Path], None]
) -> None:
    export = Path(shutil.copytree(sound, tmp_path / "export"))
    spoil(export / COSIGNED)
    assert count_all(export) == 300
    (report,) = verify_ledger(export, vkeys, ignore, 1)
    assert report.size == 300
    assert len(report.signers) == 2
