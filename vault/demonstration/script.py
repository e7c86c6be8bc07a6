"""How the script runs: each story yields whose turn it is next and when, and turns are taken in that order.

Acts of one simulated hour share a transaction, each with its own moment and its own entry; looks are taken
outside of any transaction, because their entries must be durable before anything is opened.
"""

import heapq
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from vault.access.actor import Actor
from vault.database import RecordedSession
from vault.demonstration.stage import Stage

QUIET = timedelta(hours=3)
"""After so long without a turn everybody has signed out."""


@dataclass(frozen=True)
class Next:
    """Whose turn comes next in a story, and when at the earliest."""

    when: datetime
    name: str
    is_act: bool


def act(when: datetime, name: str) -> Next:
    """The next turn changes something, in a transaction."""
    return Next(when, name, True)


def look(when: datetime, name: str) -> Next:
    """The next turn looks at something, outside of any transaction."""
    return Next(when, name, False)


class Turn:
    """One officer's turn. Asking for `now` lets some seconds go by, as typing does."""

    def __init__(self, stage: Stage, name: str, db: RecordedSession | None) -> None:
        self.stage, self.name = stage, name
        self._db = db

    @property
    def db(self) -> RecordedSession:
        """The transaction of an act."""
        if self._db is None:
            raise RuntimeError("a look has no transaction of its own")
        return self._db

    @contextmanager
    def reading(self) -> Iterator[RecordedSession]:
        """A session to look with."""
        if self._db is not None:
            raise RuntimeError("inside an act nothing is opened")
        with self.stage.vault.reading() as db:
            yield db

    @property
    def who(self) -> Actor:
        """The officer."""
        return self.stage.seats[self.name].who

    def stepped_up(self) -> Actor:
        """The officer, with the second factor given again when it is needed. Only for looks."""
        return self.stage.step_up(self.name)

    def now(self) -> datetime:
        """The moment of the next act of this turn."""
        clock = self.stage.clock
        return clock.to(clock() + timedelta(milliseconds=self.stage.chance.randint(2_000, 25_000)))


Story = Generator[Next, Turn, None]


class Script:
    """All stories, told hour by hour: in each hour first the looks, then the acts, in one transaction."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._waiting: list[tuple[datetime, bool, datetime, int, Next, Story]] = []
        self._count = 0

    def begin(self, story: Story) -> None:
        """Add a story; its first turn waits for its moment."""
        self._push(story, lambda: next(story))

    def _push(self, story: Story, step: Callable[[], Next]) -> None:
        try:
            following = step()
        except StopIteration:
            return
        self._count += 1
        hour = following.when.replace(minute=0, second=0, microsecond=0)
        heapq.heappush(self._waiting, (hour, following.is_act, following.when, self._count, following, story))

    def _take(self, db: RecordedSession | None) -> None:
        *_, step, story = heapq.heappop(self._waiting)
        self.stage.clock.to(step.when)
        turn = Turn(self.stage, step.name, db)
        self._push(story, lambda: story.send(turn))

    def run(self, until: datetime, progress: Callable[[datetime], None]) -> None:
        """Tell every story up to a moment, then send everybody home."""
        while self._waiting:
            hour, is_act, when, _, step, _ = self._waiting[0]
            if when > until:
                heapq.heappop(self._waiting)
                continue
            if when - self.stage.clock() > QUIET:
                self.stage.sign_out_all()
            self.stage.clock.to(when)
            self.stage.sign_in(step.name)
            if is_act:
                self._acts(hour, until)
            else:
                self._take(None)
            progress(self.stage.clock())
        self.stage.sign_out_all()

    def _acts(self, hour: datetime, until: datetime) -> None:
        """Take the acts of an hour in one transaction, up to the next look."""
        for at, is_act, _, _, step, _ in self._waiting:
            if is_act and at == hour:
                self.stage.sign_in(step.name)
        with self.stage.vault.writing() as db:
            while self._waiting:
                at, is_act, when, _, step, _ = self._waiting[0]
                at_work = self.stage.seats[step.name].live is not None
                if not is_act or at != hour or when > until or not at_work:
                    return
                self._take(db)
