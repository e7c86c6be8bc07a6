"""Settings: what is refused before anything starts, where each value came from, and what is never shown."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from vault.administration.commands import table_lines
from vault.serving import handed_over, is_of_this_machine
from vault.setting_rules import ENOUGH_PASSES, Source, setting_of
from vault.settings import BadSettings, Settings, load

ROOT = Path(__file__).resolve().parents[2]
RANGED = [
    (one.name, known) for one in fields(Settings) if (known := setting_of(one)) and known.least is not None
]


def given(tmp_path: Path, **values: object) -> Settings:
    """Settings of a file with these values and of no environment."""
    (tmp_path / "vault.toml").write_text("\n".join(f"{n} = {json.dumps(v)}" for n, v in values.items()))
    return load(tmp_path, {})


def test_every_number_has_a_range() -> None:
    numbers = {
        one.name for one in fields(Settings) if one.type in (int, float) or one.type in ("int", "float")
    }
    assert numbers == {name for name, _ in RANGED}
    assert len(numbers) >= 14


@pytest.mark.parametrize("name", [name for name, _ in RANGED])
def test_numbers_out_of_their_range_are_refused_by_name_and_range(tmp_path: Path, name: str) -> None:
    rule = dict(RANGED)[name]
    assert rule.least is not None
    outside = [-1, rule.least - 1] + ([] if rule.most is None else [rule.most + 1])
    for value in outside:
        if rule.zero and value == 0:
            continue
        with pytest.raises(BadSettings) as refused:
            given(tmp_path, **{name: value})
        assert str(refused.value) == f"The setting {name} must be {rule.allowed}."
    for value in [rule.least] + ([] if rule.most is None else [rule.most]):
        assert getattr(given(tmp_path, **{name: value}), name) == value


@pytest.mark.parametrize(
    "name",
    ["lock_after_failures", "idle_minutes", "session_hours", "step_up_minutes", "lock_window_minutes"],
)
def test_no_guard_can_be_switched_off_by_a_zero(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadSettings, match=f"The setting {name} must be from"):
        given(tmp_path, **{name: 0})


def test_a_number_that_is_none_is_refused(tmp_path: Path) -> None:
    for value in ("nan", "inf", "-inf"):
        with pytest.raises(BadSettings, match="record_timeout_seconds must be from"):
            load(tmp_path, {"VAULT_RECORD_TIMEOUT_SECONDS": value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("tls", 0), ("tls", "no"), ("idle_minutes", 5.5), ("idle_minutes", True), ("idle_minutes", "five"),
     ("programme", 5), ("acts_wait_seconds", False), ("keys", 1)],
)  # fmt: skip
def test_a_value_of_another_kind_is_refused_and_never_shown(tmp_path: Path, name: str, value: object) -> None:
    with pytest.raises(BadSettings, match=f"The setting {name} must be of the kind") as refused:
        given(tmp_path, **{name: value})
    assert "five" not in str(refused.value)


@pytest.mark.parametrize("name", ["idle_minute", "data", "sources", "secret_key"])
def test_a_name_that_is_no_setting_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadSettings, match=f"Unknown setting: {name}"):
        given(tmp_path, **{name: "x"})
    (tmp_path / "vault.toml").unlink()
    if name != "data":  # VAULT_DATA says where the file is.
        with pytest.raises(BadSettings, match=f"Unknown setting: {name}"):
            load(tmp_path, {f"VAULT_{name.upper()}": "x"})


def test_a_zone_that_is_none_is_refused(tmp_path: Path) -> None:
    for zone in ("Mars/Olympus", "../../etc/passwd", ""):
        with pytest.raises(BadSettings, match="time_zone must be the name of a zone"):
            given(tmp_path, time_zone=zone)


@pytest.mark.parametrize(
    "cost",
    ["argon2id$8192$1$1", "argon2id$19455$2$1", "argon2id$7167$64$1", "argon2id$47103$1$1",
     "pbkdf2-sha256$599999"],
)  # fmt: skip
def test_a_password_cost_below_the_floor_is_taken_for_a_trial_only(tmp_path: Path, cost: str) -> None:
    with pytest.raises(BadSettings, match="password_cost is too weak"):
        given(tmp_path, password_cost=cost)
    assert given(tmp_path, password_cost=cost, tls=False).password_cost == cost


def test_every_cost_that_owasp_calls_enough_is_taken(tmp_path: Path) -> None:
    for memory, passes in ENOUGH_PASSES:
        assert given(tmp_path, password_cost=f"argon2id${memory}${passes}$1")
    assert given(tmp_path, password_cost="pbkdf2-sha256$600000")


@pytest.mark.parametrize("cost", ["", "scrypt$1", "argon2id$65536$3", "argon2id$0$0$0", "argon2id$-1$3$4"])
def test_a_password_cost_that_is_none_is_refused_even_for_a_trial(tmp_path: Path, cost: str) -> None:
    with pytest.raises(BadSettings, match="password_cost must be like"):
        given(tmp_path, password_cost=cost, tls=False)


def test_settings_say_where_each_value_came_from_and_no_secret(tmp_path: Path) -> None:
    secret = "postgresql+psycopg://vault:hunter2@/vault"
    (tmp_path / "vault.toml").write_text(f'database = "{secret}"\nidle_minutes = 10\nhold_minutes = 60\n')
    settings = load(tmp_path, {"VAULT_HOLD_MINUTES": "45", "PATH": "/bin"})
    lines = {one.name: (one.value, one.source) for one in settings.shown()}
    assert lines["idle_minutes"] == ("10", Source.FILE)
    assert lines["hold_minutes"] == ("45", Source.ENVIRONMENT)
    assert lines["session_hours"] == ("12", Source.DEFAULT)
    assert lines["database"] == ("set", Source.FILE)
    assert "hunter2" not in str(lines)
    assert "data" not in lines
    assert set(lines) == {one.name for one in fields(Settings)} - {"data", "sources"}


def test_the_vaults_own_socket_and_the_loopback_are_of_this_machine_and_no_other_is() -> None:
    with socket.socket() as here, socket.socket() as everywhere:
        here.bind(("127.0.0.1", 0))
        everywhere.bind(("0.0.0.0", 0))
        assert is_of_this_machine(here.getsockname())
        assert not is_of_this_machine(everywhere.getsockname())
    assert handed_over(0) == []


@pytest.mark.parametrize(("bind", "is_refused"), [("0.0.0.0", True), ("127.0.0.1", False)])
def test_gunicorn_of_the_deployment_refuses_the_network_without_tls(
    tmp_path: Path, bind: str, is_refused: bool
) -> None:
    """As systemd does it: the listening socket is the third descriptor, and the settings name no address."""
    (tmp_path / "vault.toml").write_text("tls = false\n")
    program = (
        "import os, runpy, socket, types\n"
        f"given = socket.socket(); given.bind(({bind!r}, 0)); given.listen()\n"
        "os.dup2(given.fileno(), 3)\n"
        "os.environ |= {'LISTEN_FDS': '1', 'LISTEN_PID': str(os.getpid())}\n"
        "conf = runpy.run_path('deploy/gunicorn.conf.py')\n"
        "cfg = types.SimpleNamespace(address=[('127.0.0.1', 8000)])\n"
        "conf['on_starting'](types.SimpleNamespace(cfg=cfg))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"VAULT_DATA": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode != 0) is is_refused, done.stderr
    assert ("on this machine only" in done.stderr) is is_refused


def test_every_default_is_within_its_own_range() -> None:
    for one in fields(Settings):
        known = setting_of(one)
        if known is not None and one.default is not MISSING and isinstance(one.default, int | float):
            known.check(one.name, one.default)


def test_the_readme_has_every_setting_as_the_programme_knows_it(tmp_path: Path) -> None:
    readme = (ROOT / "deploy/README.md").read_text()
    section = readme.partition("\n## Settings\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    expected = [
        line.replace(f"`{tmp_path}-keys`", "beside the data folder")
        for line in table_lines(load(tmp_path, {}).shown())
    ]
    assert rows == expected
