"""The first officers' passwords keep the same rule as everybody's."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from vault.commands import cli


@pytest.mark.parametrize("password", ["fourteen chars", "passwordpassword", "aaaaaaaaaaaaaaaaaaaa"])
def test_a_founder_chooses_no_password_that_guessers_try_first(tmp_path: Path, password: str) -> None:
    data = tmp_path / "data"
    typed = f"Ada Amsel\nada\n{password}\n{password}\n"
    told = CliRunner().invoke(cli, ["init", "--data", str(data)], input=typed)
    assert told.exit_code == 1
    assert "few unrelated words" in told.output
    assert not (tmp_path / "data-keys").exists()
