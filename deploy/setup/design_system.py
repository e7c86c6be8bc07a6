"""Copies from the design system's release only those files that the vault serves.

usage: design_system.py RELEASE TARGET STAMP
"""

import re
import shutil
import sys
from pathlib import Path

SERVED = ("css/uswds.min.css", "js/uswds.min.js", "js/uswds-init.min.js", "img/sprite.svg")
REFERENCE = re.compile(r"""url\(\s*["']?([^"')]+)["']?\s*\)""")
# Every browser the vault supports reads woff2; the older font formats would double the folder.
UNSERVED_FONTS = (".woff", ".ttf", ".eot")


def referenced_by(stylesheet: Path) -> set[Path]:
    """The files, fonts and pictures, that the stylesheet asks the server for."""
    found = set()
    for address in REFERENCE.findall(stylesheet.read_text(encoding="utf-8")):
        if ":" in address or address.startswith("#"):
            continue
        path = (stylesheet.parent / address.split("?")[0].split("#")[0]).resolve()
        if path.suffix not in UNSERVED_FONTS:
            found.add(path)
    return found


def copy_served(release: Path, target: Path, stamp: str) -> int:
    """Fills the target afresh and returns how many files it holds; the stamp is written last.

    Raises FileNotFoundError when the release lacks a file that is served.
    """
    release = release.resolve()
    wanted = {release / name for name in SERVED} | referenced_by(release / SERVED[0])
    fresh = target.with_name(target.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    for source in sorted(wanted):
        copy = fresh / source.relative_to(release)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    (fresh / ".locked").write_text(stamp + "\n", encoding="ascii")
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    return len(wanted)


if __name__ == "__main__":
    copy_served(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
