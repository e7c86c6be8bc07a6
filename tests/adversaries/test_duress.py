"""What a password for duress gives to who forced it out of an officer: the officer's own account."""

import pytest

from tests.adversaries.planting import MARK, Programme, one_each
from tests.adversaries.walk import is_for, paths, rules
from tests.cast import CAST
from tests.officers.forced import forced


@pytest.mark.parametrize("name", ["ada", "ines", "cal", "dee", "fin", "pat", "sol", "aud", "max"])
def test_no_page_shows_anything_of_anybody_but_the_officer(programme: Programme, name: str) -> None:
    cast, app = programme.cast, programme.cast.stage.app
    officer = forced(cast, name)
    bad = []
    for rule in rules(app, "GET"):
        if not is_for(app, rule, CAST[name][1]):
            continue
        for path in paths(app, rule, one_each(programme.known)):
            answer = officer.get(path)
            if answer.status_code >= 500:
                bad.append((path, answer.status_code))
            text = answer.text
            for other, (full, _) in CAST.items():
                if other != name and full in text:
                    bad.append((path, full))
            if MARK in text:
                bad.append((path, MARK))
    assert bad == []
