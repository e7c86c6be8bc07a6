"""A throw-away PostgreSQL cluster: private socket, no TCP, gone when the tests end or are killed."""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

ROOM = max(4, os.cpu_count() or 1) << 30
"""Bytes that must be free: a worker on each core takes half a GiB for its cluster and its folders."""


def find_memory() -> Path | None:
    """The folder that Linux keeps in memory, if it is there with room enough."""
    folder = Path("/dev/shm")
    if not os.access(folder, os.W_OK):
        return None
    return folder if shutil.disk_usage(folder).free >= ROOM else None


MEMORY = find_memory()
"""Where a database is made in a tenth of the time; None leaves everything on the disk."""

SETTINGS = {
    "listen_addresses": "",
    "log_error_verbosity": "terse",
    "max_connections": "60",
    "shared_buffers": "32MB",
    # The cluster outlives no power cut, so it need not be made safe against one.
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}
DURABLE = {**SETTINGS, "fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
"""As a vault's own server is set: for measuring what it costs that a commit lasts."""
INITDB = ("-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions")
# The shell removes the cluster as soon as its input closes, which also happens when pytest is killed.
KEEPER = """
bin=$1; folder=$2; options=$3
if "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -o "$options" -s -w start >"$folder/start" 2>&1
then echo ready; cat >/dev/null
else cat "$folder/start" "$folder/log" >&2; echo failed
fi
"$bin/pg_ctl" -D "$folder/data" -s -m immediate stop >/dev/null 2>&1
rm -rf "$folder"
"""


class NoPostgres(Exception):
    """There is no PostgreSQL on this machine, or it will not start."""


def find_binaries() -> Path:
    """The folder that holds initdb: PG_BIN, then the PATH, then Debian's newest.

    Raises NoPostgres.
    """
    named = os.environ.get("PG_BIN")
    if named:
        if (Path(named) / "initdb").exists():
            return Path(named)
        raise NoPostgres(f"PG_BIN names {named}, where there is no initdb.")
    on_path = shutil.which("initdb")
    if on_path:
        # A link on the PATH may stand alone, without pg_ctl beside it.
        return Path(on_path).resolve().parent
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(installed, key=lambda found: int(found.parts[-3]), default=None)
    if newest is None:
        raise NoPostgres("There is no initdb on this machine. As root: apt-get install postgresql")
    return newest.parent


def account() -> str | None:
    """The user to run as: PostgreSQL refuses root, so root lends it Debian's account.

    Raises NoPostgres.
    """
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError as missing:
        raise NoPostgres(
            "The tests run as root, and there is no user postgres to run the cluster."
        ) from missing


class Cluster:
    """One running cluster, and fresh databases in it."""

    def __init__(self, keeper: "subprocess.Popen[str]", socket_folder: Path) -> None:
        self._keeper = keeper
        self._socket_folder = socket_folder
        self._made = 0
        self._templates: dict[str, str] = {}

    @classmethod
    def start(cls, settings: Mapping[str, str]) -> "Cluster":
        """Makes and starts a cluster; raises NoPostgres with PostgreSQL's own words when it will not."""
        binaries, user = find_binaries(), account()
        # What must last is measured where it lasts.
        memory = None if settings["fsync"] == "on" else MEMORY
        if memory is not None:
            settings = {**settings, "max_wal_size": "64MB"}
        folder = Path(tempfile.mkdtemp(prefix="vault-pg-", dir=memory))
        if user is not None:
            entry = pwd.getpwnam(user)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        made = subprocess.run(
            [binaries / "initdb", "-D", folder / "data", *INITDB],
            user=user,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            shutil.rmtree(folder)
            raise NoPostgres(f"initdb failed: {made.stderr.strip()}")
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", KEEPER, "keeper", binaries, folder, f"-k {folder} {options}"],
            user=user,
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert keeper.stdout is not None
        if keeper.stdout.readline().strip() != "ready":
            raise NoPostgres(f"The cluster did not start: {keeper.communicate()[1].strip()}")
        return cls(keeper, folder)

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database of this cluster, as its superuser."""
        return f"postgresql+psycopg://postgres@/{database}?host={quote(str(self._socket_folder), safe='')}"

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(host=str(self._socket_folder), user="postgres", autocommit=True) as connection:
            connection.execute(statement)

    def fresh_database(self, template: str | None) -> str:
        """Makes a database, empty or a copy of the template's, and returns its name."""
        self._made += 1
        name = f"test_{os.getpid()}_{self._made}"
        source = self._templates[template] if template is not None else "template0"
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(source)
            )
        )
        return name

    def make_template(self, template: str, build: Callable[[str], None]) -> None:
        """Builds a template once: `build` is given a URL and must have closed every connection on return."""
        if not re.fullmatch(r"[a-z_]+", template):
            raise ValueError("A template's name is lower-case letters and underscores.")
        if template not in self._templates:
            name = self.fresh_database(None)
            build(self.url(name))
            self._templates[template] = name

    def name_template(self, template: str, database: str) -> None:
        """Keeps a database, to which nobody is connected any more, as a template."""
        self._templates[template] = database

    def drop(self, database: str) -> None:
        """Drops a database, also from under those still connected."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def away(self) -> None:
        """Stops the server in good order, from under whoever is connected; what it keeps stays."""
        self._control("-m", "fast", "stop")

    def back(self) -> None:
        """Starts the server again, set as it was, and waits until it answers."""
        folder = self._socket_folder
        # What the server was last started with, behind its name.
        options = (folder / "data/postmaster.opts").read_text().strip().partition(' "-k"')[2]
        self._control("-l", str(folder / "log"), "-o", f'"-k"{options}', "start")

    def _control(self, *arguments: str) -> None:
        subprocess.run(
            [find_binaries() / "pg_ctl", "-D", self._socket_folder / "data", "-s", "-w", *arguments],
            user=account(),
            cwd="/",
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        """Stops the cluster and removes every trace of it."""
        self._keeper.communicate()
