"""Papers go into a case sealed and come out whole, to those who hold the case's notes and to nobody else."""

import random

from tests.cast import Cast
from tests.papers.sending import fetch, keep, office, pieces
from tests.programme import open_case

CONTENTS = {
    "pdf": b"%PDF-1.7\n" + bytes(range(256)) * 10,
    "jpg": b"\xff\xd8\xff\xe0" + bytes(4000),
    "png": b"\x89PNG\r\n\x1a\n" + bytes(4000),
    "tif": b"II*\x00" + bytes(4000),
    "txt": "Zeugin: Müller – „gehört“\r\n".encode() * 40,
    "docx": office("word/document.xml"),
    "xlsx": office("xl/workbook.xml"),
}


def test_a_paper_of_each_kind_comes_back_as_it_was_sent(cast: Cast) -> None:
    case, ines = open_case(cast, named=["ines"]), cast["ines"]
    for number, (ending, content) in enumerate(CONTENTS.items(), 1):
        answer = fetch(ines, keep(ines, case.id, content))
        assert answer.get_data() == content
        assert (
            answer.headers["Content-Disposition"] == f'attachment; filename="{case.code}-{number}.{ending}"'
        )
        assert answer.headers["Content-Length"] == str(len(content))
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_paper_of_several_pieces_comes_back_whole(cast: Cast) -> None:
    case, ada = open_case(cast, named=[]), cast["ada"]
    content = b"%PDF-1.7\n" + random.Random(1).randbytes(3_300_000)
    paper = keep(ada, case.id, content)
    assert pieces(cast.stage) == paper.pieces == 4
    assert fetch(ada, paper).get_data() == content
