"""Exports of several volumes: made at once, or gone on with while volumes are closed, and broken off."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine

from audit.checkpoints import Notary, closed_checkpoint
from audit.errors import Damaged, NotVerified
from audit.exporting import export_volumes, extend_volumes, kept_in
from audit.ledger import Ledger
from audit.linking import verify_ledger
from audit.notes import Checkpoint, parse
from tests.audit.chapters import begin
from tests.audit.test_notary_volumes import CUTS, PowerCut
from tests.audit.writing import NOON, ignore, some_entries, weave


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: what is read here is read alike on PostgreSQL, as test_volumes shows on both."""
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


def signed(engine: Engine, notary: Notary, volumes: int) -> list[Checkpoint]:
    with engine.connect() as connection:
        notary.sign_next(connection, NOON)
    closed = [closed_checkpoint(notary.checkpoint, number) for number in range(1, volumes)]
    return [parse(path.read_text()) for path in (*closed, notary.checkpoint)]


def files(directory: Path) -> dict[str, bytes]:
    found = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in found}


def write(engine: Engine, checkpoints: list[Checkpoint], directory: Path) -> dict[str, bytes]:
    with engine.connect() as connection:
        export_volumes(connection, checkpoints, directory, ignore)
    return files(directory)


def go_on(engine: Engine, checkpoints: list[Checkpoint], directory: Path, since: int | None) -> None:
    with engine.connect() as connection:
        extend_volumes(connection, checkpoints, directory, kept_in(directory, since), ignore)


@pytest.fixture
def grown(ledger: Ledger, engine: Engine, notary: Notary, tmp_path: Path) -> tuple[Path, list[Checkpoint]]:
    """An export of the beginning of the first volume, and the checkpoints of the three there are since."""
    weave(ledger, some_entries(270))
    write(engine, signed(engine, notary, 1), tmp_path / "early")
    weave(ledger, some_entries(20))
    begin(ledger, 2)
    weave(ledger, some_entries(4))
    begin(ledger, 3)
    weave(ledger, some_entries(2))
    return tmp_path / "early", signed(engine, notary, 3)


def test_an_export_that_goes_on_across_volumes_is_the_export_of_everything(
    grown: tuple[Path, list[Checkpoint]], engine: Engine, vkeys: str, tmp_path: Path
) -> None:
    early, checkpoints = grown
    whole = write(engine, checkpoints, tmp_path / "whole")
    assert {"checkpoint", "volumes/1/checkpoint", "volumes/2/checkpoint"} <= whole.keys()
    assert len(verify_ledger(tmp_path / "whole", vkeys, ignore, 1)) == 3
    assert kept_in(early, None) == 270
    go_on(engine, checkpoints, early, None)
    assert files(early) == whole
    total = sum(checkpoint.size for checkpoint in checkpoints)
    assert kept_in(early, None) == total
    for since in (None, 0, 100, 291, 293, total):
        go_on(engine, checkpoints, early, since)
        assert files(early) == whole, since
    with pytest.raises(NotVerified, match="has 300 entries, not 301"):
        kept_in(early, total + 1)


def test_broken_off_at_any_step_the_same_call_finishes_it(
    grown: tuple[Path, list[Checkpoint]], engine: Engine, vkeys: str, tmp_path: Path
) -> None:
    early, checkpoints = grown
    whole, cuts = write(engine, checkpoints, tmp_path / "whole"), 0
    for at in range(1, 100):
        directory = tmp_path / f"cut-{at}"
        shutil.copytree(early, directory)
        CUTS.left = at
        try:
            go_on(engine, checkpoints, directory, None)
        except PowerCut:
            cuts += 1
            go_on(engine, checkpoints, directory, None)
        else:
            break
        finally:
            CUTS.left = 0
            assert files(directory) == whole
            shutil.rmtree(directory)
    # The old checkpoint replaced, two closed volumes put in place, then tiles and checkpoint of the newest.
    assert cuts == 5


def test_a_folder_that_the_ledger_does_not_continue_is_left_alone(
    grown: tuple[Path, list[Checkpoint]], engine: Engine
) -> None:
    early, checkpoints = grown
    tile = early / "tile/1/000.p/1"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    before = files(early)
    with pytest.raises((NotVerified, Damaged)):
        go_on(engine, checkpoints, early, None)
    assert files(early) == before


def test_a_folder_without_any_export_is_not_gone_on_with(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotVerified, match="no checkpoint"):
        kept_in(tmp_path / "empty", None)
    (tmp_path / "empty/volumes").mkdir()
    with pytest.raises(NotVerified, match="no checkpoint"):
        kept_in(tmp_path / "empty", None)


def test_a_folder_that_holds_anything_is_not_exported_into(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "full/volumes").mkdir(parents=True)
    with engine.connect() as connection, pytest.raises(FileExistsError):
        export_volumes(connection, [], tmp_path / "full", ignore)
