"""The quiet year before: everybody's access reviewed once, this year's review begun, one account put off."""

from datetime import date, timedelta

from vault.access_review import actions
from vault.access_review.models import ReviewAnswer
from vault.demonstration.cast import GONE, UNUSED
from vault.demonstration.script import Story, act, look
from vault.demonstration.stage import Fortnight, Stage
from vault.demonstration.world import World
from vault.officers import unused
from vault.officers.models import named
from vault.oversight import actions as oversight
from vault.oversight.weeks import Week, weeks_from

FOUNDED_WEEKS = 47
"""So many weeks before the fortnight the vault was founded, so that an account is unused for long enough."""
REVIEWED_WEEKS = 46
"""So many weeks before the fortnight last year's review was held: this year's is due within a month."""
EARLY = 7.1
"""At this hour of a Monday the auditor looks over the week before."""

NEVER_CAME = "Was certified and never came back. The bureau says the clerk's post was not filled."
LEAVES = "Leaves for another county tomorrow."
THIS_YEAR = {
    "ines": "",
    "ivo": "",
    "cal": "",
    "fin": "",
    "sol": "",
    GONE.name: LEAVES,
    UNUSED.name: NEVER_CAME,
}
"""About whom the coordinator has answered so far; with a reason where the access shall end."""


def founded_on(fortnight: Fortnight) -> date:
    """The working day on which the vault was founded."""
    return fortnight.days[0] - timedelta(weeks=FOUNDED_WEEKS)


def tell_quiet_year(stage: Stage) -> None:
    """The auditor looks over each week in the one after it, and once everybody's access is reviewed."""
    first, last = (Week.of(day) for day in (founded_on(stage.fortnight), stage.fortnight.days[0]))
    reviewed_on = stage.fortnight.days[0] - timedelta(weeks=REVIEWED_WEEKS)
    for week in reversed(weeks_from(first, last.previous())):
        _look_over(stage, week)
        if week.next() == Week.of(reviewed_on):
            _review_access(stage, reviewed_on)


def _look_over(stage: Stage, week: Week) -> None:
    """The auditor signs a quiet week off."""
    stage.clock.to(stage.fortnight.on(week.next().monday, EARLY))
    stage.sign_in("aud")
    who, now = stage.seats["aud"].who, stage.clock.to(stage.clock() + timedelta(minutes=3))
    with stage.vault.writing() as db:
        oversight.review_week(db, who, week, "", None, now, stage.zone)
    stage.sign_out_all()


def _review_access(stage: Stage, day: date) -> None:
    """The coordinator answers about the few there were, the deputy about the coordinator."""
    stage.clock.to(stage.fortnight.on(day, 9.4))
    for name in ("ada", "dee"):
        stage.sign_in(name)
    ada, dee, clock = stage.seats["ada"].who, stage.seats["dee"].who, stage.clock
    with stage.vault.writing() as db:
        review = actions.begin(db, ada, clock()).id
        for officer in actions.in_review(db):
            who, now = dee if officer.id == ada.officer else ada, clock.to(clock() + timedelta(seconds=70))
            actions.answer(db, who, review, officer, ReviewAnswer.KEEP, "", now)
        actions.finish(db, ada, review, clock.to(clock() + timedelta(seconds=30)))
    stage.sign_out_all()


def tell_this_years_review(world: World) -> Story:
    """Begun yesterday, and about half of the officers are answered about."""
    turn = yield act(world.days.at(9, 14.1), "ada")
    review = actions.begin(turn.db, turn.who, turn.now()).id
    for name, reasons in THIS_YEAR.items():
        officer = turn.db.scalars(named(name)).one()
        said = ReviewAnswer.END if reasons else ReviewAnswer.KEEP
        actions.answer(turn.db, turn.who, review, officer, said, reasons, turn.now())


def tell_unused(world: World) -> Story:
    """In one of the nights whoever was not here for too long was put off, as the timer does it."""
    turn = yield look(world.days.at(8, 8.3), "max")
    swept = unused.sweep(turn.stage.vault, turn.now())
    if [officer.id for officer in swept.off] != [world.officer(UNUSED.name)]:
        raise RuntimeError("only one account was unused")
