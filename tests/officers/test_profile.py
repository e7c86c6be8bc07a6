"""A vault founded under the FIPS profile works from end to end, and no vault slips into another."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from crypto import suites
from crypto.suites import MLKEM, XWING, Profile
from tests.cast import CHEAP, Cast, Clock, Stage, make_vault
from tests.programme import open_case
from vault.access.models import SealRow
from vault.app import create_app
from vault.commands import cli, settings_file
from vault.officers.models import Officer
from vault.running import RunningVault
from vault.settings import BadSettings, Settings, load

FEWER = "pbkdf2-sha256$1000"


def staged(settings: Settings) -> Iterator[Stage]:
    clock = Clock()
    secrets = make_vault(settings, clock)
    vault = RunningVault.start(settings, clock)
    app = create_app(vault)
    app.testing = True
    yield Stage(vault, clock, secrets, app)
    vault.close()


@pytest.fixture
def fips(tmp_path: Path) -> Iterator[Stage]:
    """The whole cast in a vault under the FIPS profile."""
    with suites.using(Profile.FIPS):
        yield from staged(settings_file(tmp_path / "data", tls=False, profile="fips", password_cost=FEWER))


def test_a_vault_under_the_fips_profile_is_founded_admits_opens_a_case_and_seals_with_mlkem_alone(
    fips: Stage,
) -> None:
    cast = Cast(fips)
    case = open_case(cast, named=["ines"])
    ada, ines = cast["ada"], cast["ines"]
    place = f"/records/person/{case.witness}/identity"
    ada.get(f"{place}/change")
    page = ada.post(f"{place}/change", reason="case-work", code=ada.code())
    version = re.search(r'name="version" value="(\d+)"', page.text)
    assert version is not None, page.text
    saved = ada.post(f"{place}/save", legal_name="Jane Roe", aliases="Janie", version=version[1])
    assert saved.status_code == 303, saved.text
    ines.get(f"{place}/open")
    assert "Jane Roe" in ines.post(f"{place}/open", reason="visit", code=ines.code()).text
    with fips.vault.reading() as db:
        assert {blob[1] for blob in db.scalars(select(SealRow.blob))} == {MLKEM}
        costs = set(db.scalars(select(Officer.wrap_cost)))
    assert costs == {FEWER}
    assert 'profile = "fips"' in fips.settings.trust.read_text()


def test_a_vault_founded_standard_seals_with_xwing_and_does_not_start_under_the_fips_profile(
    tmp_path: Path,
) -> None:
    settings = settings_file(tmp_path / "data", tls=False, password_cost=CHEAP)
    for stage in staged(settings):
        with stage.vault.reading() as db:
            assert {blob[1] for blob in db.scalars(select(SealRow.blob))} == {XWING}
    changed = {"VAULT_PROFILE": "fips", "VAULT_PASSWORD_COST": FEWER}
    told = CliRunner().invoke(cli, ["verify", "--data", str(settings.data)], env=changed)
    assert told.exit_code == 1
    assert 'founded with profile = "standard"' in told.output
    assert "every officer enrols anew" in told.output
    assert len(told.output.strip().splitlines()) == 1


def test_a_vault_founded_under_the_fips_profile_does_not_fall_back_when_the_setting_is_lost(
    fips: Stage,
) -> None:
    (fips.settings.data / "vault.toml").write_text("tls = false\n")
    with pytest.raises(BadSettings, match='founded with profile = "fips"'):
        RunningVault.start(load(fips.settings.data, {}), Clock())


def test_trust_of_an_earlier_version_is_that_of_the_standard_profile(tmp_path: Path) -> None:
    settings = settings_file(tmp_path / "data", tls=False, password_cost=CHEAP)
    make_vault(settings, Clock())
    older = settings.trust.read_text().replace('profile = "standard"\n', "")
    assert "profile" not in older
    settings.trust.chmod(0o600)
    settings.trust.write_text(older)
    vault = RunningVault.start(settings, Clock())
    assert vault.trust.profile == "standard"
    vault.close()


def test_the_fips_profile_brings_its_password_cost_and_refuses_another(tmp_path: Path) -> None:
    assert load(tmp_path, {"VAULT_PROFILE": "fips"}).password_cost == "pbkdf2-sha256$600000"
    with pytest.raises(BadSettings, match=r"needs password_cost = .pbkdf2-sha256\$600000"):
        load(tmp_path, {"VAULT_PROFILE": "fips", "VAULT_PASSWORD_COST": CHEAP})
    with pytest.raises(BadSettings, match='"standard" or "fips"'):
        load(tmp_path, {"VAULT_PROFILE": "nist"})
