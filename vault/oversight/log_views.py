"""What the machine of an outside witness fetches and gives, with its token and without a session.

It gets checkpoints, hand-overs and hashes, and of all entries only those that open a volume. Its fetches are
not recorded: an entry for each would make a new tree to be fetched, and so on for ever. A wrong token is
recorded, and so is a refusal.
"""

from pathlib import Path
from typing import cast

from flask import Blueprint, Response, current_app, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from typing_extensions import override
from werkzeug.routing import BaseConverter

from audit.checkpoints import closed_checkpoint
from audit.errors import Damaged, NotVerified
from audit.serving import HashTiles, opening_leaf
from audit.tiles import read_tile_name
from audit.volumes import volumes_in
from vault.access.events import Event, record_apart
from vault.access.guard import by_token, now, running
from vault.errors import NotKnown, NotSignedIn, RuleForbids
from vault.notarising import key_place
from vault.officers.asking import caller
from vault.officers.proofs import ProofRefused, address_digest, check_address, line_of, note_try
from vault.oversight.models import RegisteredWitness
from vault.oversight.refusals import note_refusal
from vault.oversight.registering import bearer_of
from vault.oversight.witnessing import take_in

bp = Blueprint("log", __name__)
LONGEST_BODY = 64 * 1024
PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
VOLUMES = "/ledger/log/volumes/<int(max=999999999999):volume>"


class TileName(BaseConverter):
    """The path of a hash tile, such as 0/x001/234.p/56, read as its level, number and width."""

    regex = r"[0-7]/(?:x[0-9]{3}/){0,3}[0-9]{3}(?:\.p/[1-9][0-9]{0,2})?"
    part_isolating = False

    @override
    def to_url(self, value: str) -> str:
        return value


@bp.record
def know_tiles(state: BlueprintSetupState) -> None:
    """Make the paths of tiles known to addresses, and give this service its memory of them."""
    state.app.url_map.converters["tile"] = TileName
    state.app.extensions["hash-tiles"] = HashTiles()


@bp.record
def take_no_forms(state: BlueprintSetupState) -> None:
    """A machine with a token in its header sends no page's form, and no browser sends that header for it."""
    for view in (take_cosignature, take_refusal):
        state.app.extensions["csrf"].exempt(view)


def admit(token: str) -> RegisteredWitness:
    """The witness that bears this token. Raises NotSignedIn, the same for a wrong, an ended and no token."""
    if token:
        with running().reading() as db:
            witness = bearer_of(running(), db, token)
        if witness is not None:
            return witness
        _note_wrong_token()
    raise NotSignedIn("Ask with the token that was shown when this witness was registered.")


def _note_wrong_token() -> None:
    """Record the refusal, as often as sign-ins from one address may fail, so that nobody fills the ledger."""
    vault = running()
    # Counted apart from sign-ins: a witness whose token was ended must not lock out the office it stands in.
    digest = address_digest(vault.root, f"witness {line_of(caller().address)}")
    try:
        with vault.reading() as db:
            check_address(db, vault.settings, now(), digest)
    except ProofRefused:
        return
    facts = {"route": "outside-witness", "why": "WrongToken", "from": digest[:8]}
    record_apart(vault, Event.REFUSED, who=None, now=now(), subjects=[], outcome="refused", facts=facts)
    with vault.writing() as db:
        note_try(db, vault.settings, None, digest, now())


def _plain(content: str | bytes) -> Response:
    kind = "application/octet-stream" if isinstance(content, bytes) else "text/plain"
    return Response(content, mimetype=kind)


def _published(path: Path) -> Response:
    try:
        return _plain(path.read_bytes().decode())
    except (OSError, UnicodeDecodeError):
        raise NotKnown from None


@bp.get("/ledger/log/checkpoint")
@by_token(admit)
def checkpoint(_witness: RegisteredWitness) -> ResponseReturnValue:
    """The checkpoint that the notary published last."""
    return _published(running().settings.checkpoint)


@bp.get(f"{VOLUMES}/<any('checkpoint','hand-overs','opening'):part>")
@by_token(admit)
def part_of_volume(_witness: RegisteredWitness, volume: int, part: str) -> ResponseReturnValue:
    """How a closed volume ended, how the notary's keys were replaced in one, and the entry that opened it."""
    settings = running().settings
    if part == "checkpoint":
        return _published(closed_checkpoint(settings.checkpoint, volume))
    if part == "hand-overs":
        return _published(key_place(settings).hand_overs_of(volume))
    with running().reading() as db:
        opening = opening_leaf(db.connection(), settings.origin, volume)
    if opening is None:
        raise NotKnown
    return _plain(opening)


@bp.get(f"{VOLUMES}/tile/<tile:tile>")
@by_token(admit)
def tile(_witness: RegisteredWitness, volume: int, tile: str) -> ResponseReturnValue:
    """A hash tile of one volume of the ledger (c2sp.org/tlog-tiles), as the database gives it."""
    tiles = cast(HashTiles, current_app.extensions["hash-tiles"])
    try:
        level, number, width = read_tile_name(tile)
        with running().reading() as db:
            for named in volumes_in(db, running().settings.origin):
                if named.number == volume:
                    return _plain(tiles.tile(db.connection(), named, level, number, width))
    except (ValueError, FileNotFoundError, NotVerified, Damaged):
        pass
    raise NotKnown


@bp.post("/ledger/log/cosignature")
@by_token(admit)
def take_cosignature(witness: RegisteredWitness) -> ResponseReturnValue:
    """Keep the note that the witness cosigned; what is wrong with it is answered in one line."""
    request.max_content_length = LONGEST_BODY
    try:
        take_in(running(), witness, request.get_data().decode(), now())
    except (NotVerified, UnicodeDecodeError) as error:
        return f"{error}\n", 422, PLAIN
    except RuleForbids as error:
        return f"{error.message}\n", 409, PLAIN
    return "", 204


@bp.post("/ledger/log/refusal")
@by_token(admit)
def take_refusal(witness: RegisteredWitness) -> ResponseReturnValue:
    """Take down that the witness refuses to cosign: both notes, the offered one first, and its words."""
    request.max_content_length = LONGEST_BODY
    words, offered, accepted = (request.form.get(name, "") for name in ("words", "offered", "accepted"))
    try:
        note_refusal(running(), witness, words, offered, accepted, now())
    except NotVerified as error:
        return f"{error}\n", 422, PLAIN
    return "", 204
