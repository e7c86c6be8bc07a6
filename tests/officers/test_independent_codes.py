"""The codes of an authenticator that others wrote (oathtool, of Debian) are those that the vault takes."""

import shutil
import subprocess
from datetime import timedelta

import pytest

from tests.cast import Cast
from tests.conftest import go_without
from tests.officers.devices import at_second_factor

pytestmark = pytest.mark.parametrize("stage", ["sqlite"], indirect=True)


def independent_code(cast: Cast, name: str, steps: int) -> str:
    """What oathtool says for so many steps of 30 seconds from now."""
    program = shutil.which("oathtool")
    if program is None:
        go_without("oathtool", "As root: apt-get install oathtool", "REQUIRE_OATHTOOL")
        return ""
    at = cast.stage.clock.now + timedelta(seconds=30 * steps)
    moment = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    asked = [program, "--totp", "--base32", f"--now={moment}", cast.stage.secrets[name]]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize(("steps", "status"), [(-2, 422), (-1, 303), (0, 303), (1, 303), (2, 422)])
def test_a_clock_may_be_one_step_off_either_way_and_no_more(cast: Cast, steps: int, status: int) -> None:
    visitor = at_second_factor(cast.stage, "ines")
    answer = visitor.post("/sign-in/second-factor", code=independent_code(cast, "ines", steps))
    assert answer.status_code == status
