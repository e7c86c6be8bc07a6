"""A paper whose pieces were changed, cut, moved or swapped in the database opens not at all."""

import hashlib
from collections.abc import Callable
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from crypto.errors import Refused
from tests.adversaries.thief import Thief
from tests.cast import Cast
from tests.papers.sending import fetch, keep
from tests.programme import open_case
from vault.access.policy import Reason
from vault.papers import keeping
from vault.papers.models import Paper
from vault.verification import verify

SECRET = b"The witness Jane Roe is moved on Monday.\n" * 70_000
OTHER = b"Another letter, about nobody in particular.\n" * 70_000
Damage = Callable[[Thief, Paper, Paper], None]


def contents(thief: Thief, paper: UUID) -> list[dict[str, Any]]:
    """A paper's pieces, in order."""
    return thief.rows("SELECT * FROM paper_pieces WHERE paper_id = ? ORDER BY number", paper)


def rewrite(thief: Thief, paper: Paper, pieces: list[bytes]) -> None:
    """Put these pieces in the place of a paper's own and make its row agree with them."""
    old = contents(thief, paper.id)
    thief.run("DELETE FROM paper_pieces WHERE paper_id = ?", paper.id)
    for row, content in zip(old, pieces, strict=False):
        thief.put("paper_pieces", row | {"content": content})
    digest = hashlib.sha256(b"".join(pieces)).digest()
    thief.run("UPDATE papers SET pieces = ?, digest = ? WHERE id = ?", len(pieces), digest, paper.id)


def change(thief: Thief, paper: Paper, _other: Paper) -> None:
    row = contents(thief, paper.id)[-1]
    content = bytes(row["content"])
    thief.run("UPDATE paper_pieces SET content = ? WHERE number = ? AND paper_id = ?",
              content[:-1] + bytes([content[-1] ^ 1]), row["number"], paper.id)  # fmt: skip


def lose_the_last(thief: Thief, paper: Paper, _other: Paper) -> None:
    last = paper.pieces - 1
    assert thief.run("DELETE FROM paper_pieces WHERE paper_id = ? AND number = ?", paper.id, last) == 1


def cut_and_agree(thief: Thief, paper: Paper, _other: Paper) -> None:
    rewrite(thief, paper, [bytes(row["content"]) for row in contents(thief, paper.id)][:-1])


def cut_all_and_agree(thief: Thief, paper: Paper, _other: Paper) -> None:
    rewrite(thief, paper, [])


def reorder(thief: Thief, paper: Paper, _other: Paper) -> None:
    for before, after in ((0, 99), (1, 0), (99, 1)):
        thief.run(
            "UPDATE paper_pieces SET number = ? WHERE number = ? AND paper_id = ?", after, before, paper.id
        )


def swap_one_piece(thief: Thief, paper: Paper, other: Paper) -> None:
    theirs = bytes(contents(thief, other.id)[1]["content"])
    thief.run("UPDATE paper_pieces SET content = ? WHERE number = 1 AND paper_id = ?", theirs, paper.id)


def swap_all_and_agree(thief: Thief, paper: Paper, other: Paper) -> None:
    rewrite(thief, paper, [bytes(row["content"]) for row in contents(thief, other.id)])


def alter_the_digest(thief: Thief, paper: Paper, _other: Paper) -> None:
    thief.run("UPDATE papers SET digest = ? WHERE id = ?", bytes(32), paper.id)


def transplant_the_key(thief: Thief, paper: Paper, other: Paper) -> None:
    swap_all_and_agree(thief, paper, other)
    key = thief.row("papers", other.id)["content_key"]
    thief.run("UPDATE papers SET content_key = ? WHERE id = ?", key, paper.id)


DAMAGES: list[Damage] = [
    change, lose_the_last, cut_and_agree, cut_all_and_agree, reorder, swap_one_piece, swap_all_and_agree,
    alter_the_digest, transplant_the_key,
]  # fmt: skip


def test_nothing_of_a_damaged_paper_opens_and_the_others_still_do(cast: Cast) -> None:
    case, elsewhere = open_case(cast, named=[]), open_case(cast, named=[])
    ada, thief = cast["ada"], Thief(cast.stage)
    others = [keep(ada, of.id, OTHER) for of in (case, elsewhere)]
    swaps = [swap_one_piece, swap_all_and_agree, transplant_the_key]
    for damage, other in [*product(DAMAGES, others[:1]), *product(swaps, others[1:])]:
        paper = keep(ada, case.id, SECRET)
        assert paper.pieces == 3
        damage(thief, paper, other)
        answer = fetch(ada, paper)
        assert answer.status_code == 500, damage.__name__
        assert "is not what an officer sealed, so it was not opened" in answer.text
        assert b"Jane Roe" not in answer.get_data()
        assert b"nobody in particular" not in answer.get_data()
        told = thief.rows('SELECT leaf FROM ledger_entries ORDER BY "index" DESC LIMIT 1')[0]["leaf"]
        assert b"DoesNotOpen" in bytes(told)
    for other in others:
        assert fetch(ada, other).get_data() == OTHER


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_a_paper_altered_while_it_is_fetched_breaks_off_before_the_altered_part(cast: Cast) -> None:
    case, ada, stage = open_case(cast, named=[]), cast["ada"], cast.stage
    paper = keep(ada, case.id, SECRET)
    delivery = keeping.deliver(stage.vault, ada.actor, case.id, paper.id, Reason.REVIEW, stage.clock.now)
    parts = [next(delivery.content)]
    change(Thief(stage), paper, paper)
    with pytest.raises(Refused):
        parts.extend(delivery.content)
    given = b"".join(parts)
    assert SECRET.startswith(given)
    assert 1_000_000 < len(given) < delivery.length == len(SECRET)


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_pieces_that_were_changed_past_the_vault_are_found_by_whoever_verifies(cast: Cast) -> None:
    case, ada, stage = open_case(cast, named=[]), cast["ada"], cast.stage
    papers = [keep(ada, case.id, SECRET) for _ in range(4)]
    assert verify(stage.vault, lambda _count: None).findings == ()
    change(Thief(stage), papers[0], papers[1])
    lose_the_last(Thief(stage), papers[1], papers[0])
    reorder(Thief(stage), papers[2], papers[0])
    findings = verify(stage.vault, lambda _count: None).findings
    assert sorted(findings) == sorted(
        f"Paper {paper.id} of case:{case.id}: its pieces are not those that were kept."
        for paper in papers[:3]
    )
