"""What the ledger calls fields and rows, in words: "person.legal_name" is the legal name of a person."""

from collections.abc import Iterable

KINDS = {
    "accounting": "an entry of the disclosure log",
    "dangerarea": "a danger area",
    "decision": "a decision on a referral",
    "directorypage": "a page of the directory",
    "disclosuredecision": "a decision on a disclosure",
    "disclosurerequest": "a request for disclosure",
    "emergencyrequest": "a request for emergency access",
    "house": "a place",
    "note": "a case note",
    "packet": "a packet",
    "paper": "a document",
    "paymentdecision": "a decision on a payment",
    "paymentrequest": "a request for payment",
    "person": "a person",
    "referral": "a referral",
    "selection": "a selection for disclosure",
    "threatassessment": "a threat assessment",
    "whereabouts": "a person's whereabouts",
    "worksheet": "a disclosure worksheet",
}
"""What each kind of sealed row is called, by the name that entries give it."""

FIELDS = {
    "area_latitude": "latitude of the area",
    "area_longitude": "longitude of the area",
    "content_key": "key",
    "cover_name": "protected name",
    "cover_papers": "protected papers",
    "media_type": "kind of file",
    "radius_miles": "radius in miles",
    "social_security": "social security number",
    "who_threatens": "threatening person",
}
"""Fields whose own name is not what a person calls them."""

TABLES = {
    "bed_claims": "Beds that are taken",
    "case_notes": "Case notes",
    "disclosure_accounting": "Disclosure log",
    "disclosure_worksheets": "Disclosure worksheets",
    "holder_keys": "Public keys of officers and roles",
    "house_voids": "Times when a place is not used",
    "houses": "Places",
    "key_act_decisions": "Approvals of recoveries and destructions",
    "key_acts": "Recoveries and destructions",
    "lockboxes": "Lockboxes",
    "memorandum_parties": "Parties of memoranda",
    "notice_choices": "Choices of notices by mail",
    "paper_pieces": "Pieces of documents",
    "papers": "Documents",
    "recovery_codes": "Backup codes",
    "seals": "Seals of keys to officers and roles",
    "separations": "People who must be kept apart",
    "shred_parts": "Destroyable halves of keys",
    "stays": "Stays in places",
    "vouching_keys": "The vault's own keys",
    "witnesses": "Outside witnesses",
}
"""Tables whose own name does not say what their rows are."""


def field_words(fields: Iterable[str]) -> str:
    """Fields in words, those of one kind together; of a kind that has left the records by their own names."""
    kinds: dict[str, list[str]] = {}
    for field in fields:
        kind, _, name = field.rpartition(".")
        said = FIELDS.get(name, name.replace("_", " ").replace("-", " "))
        kinds.setdefault(KINDS.get(kind, ""), []).append(said)
    told = [_together(names) + (f" of {kind}" if kind else "") for kind, names in kinds.items()]
    return "; ".join(told)


def _together(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def row_words(row: str) -> tuple[str, str]:
    """A row as entries name it, "table/id": what the table keeps, and the id."""
    table, _, ident = row.partition("/")
    return TABLES.get(table, table.replace("_", " ").capitalize()), ident
