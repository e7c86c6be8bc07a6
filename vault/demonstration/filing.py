"""Two small documents, invented like everything else, sealed into the cases that they are about."""

import io
import os
from collections.abc import Sequence
from uuid import uuid4

from vault.access.pieces import KEY_LENGTH
from vault.demonstration.plans import CasePlan
from vault.demonstration.script import Story, look
from vault.demonstration.world import World
from vault.papers import keeping
from vault.papers.receiving import MEBIBYTE, Inspected
from vault.vocabulary import CaseState

STATEMENT = """Statement, taken at the unit's office. Everything in it is invented.

I saw the car twice outside the school, the second time with the engine running.
I wrote the number down and gave it to the inspector the same day.
I am willing to say this in court.
"""
ORDER = ("Standing criminal protective order", "SAMPLE: this order is invented.", "No contact of any kind.")


_FONT = "/Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"


def page(lines: Sequence[str]) -> bytes:
    """A PDF of one page with these lines, which are ASCII without brackets (ISO 32000-1)."""
    words = "BT /F1 14 Tf 72 720 Td 22 TL " + " ".join(f"({line}) Tj T*" for line in lines) + " ET"
    objects = (
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << {_FONT} >> >>",
        f"<< /Length {len(words)} >>\nstream\n{words}\nendstream",
    )
    written, places = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(written))
        written += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
    return f"{written}{end}startxref\n{len(written)}\n%%EOF\n".encode("ascii")


def tell_papers(world: World, plans: Sequence[CasePlan]) -> Story:
    """Each inspector adds a document to a case of theirs."""
    for day, name, title, content in (
        (6, "ines", "Protective order", page(ORDER)),
        (7, "ivo", "Statement of the neighbour", STATEMENT.encode()),
    ):
        plan = next(p for p in plans if p.target is CaseState.ACTIVE and p.inspectors == (name,))
        turn = yield look(world.days.at(day, 11.6), name)
        vault, case, key = turn.stage.vault, world.cases[plan.number], os.urandom(KEY_LENGTH)
        incoming = Inspected(io.BytesIO(content), vault.settings.paper_megabytes * MEBIBYTE)
        keeping.keep(vault, turn.who, case, uuid4(), title, incoming, key)
