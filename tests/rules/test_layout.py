"""The house rules of the tree: sizes, names, markup, clocks, and what no committed file may say."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("crypto", "audit", "housing", "vault")
LONGEST_MODULE, LONGEST_FUNCTION = 300, 40
# Names that say nothing of what is inside.
EMPTY_NAMES = re.compile(
    r"utils?|utilities|helpers?|managers?|services?|common|bases?|core|data|process(es|ing)?|misc"
)
EXCUSE = re.compile(r"#.*\blonger than\b", re.IGNORECASE)
# The clock is read where a process begins; everywhere else `now` is handed in.
CLOCKS = {"vault/running.py", "audit/checkpoints.py", "audit/witness_command.py"}
PLACES = re.compile(r"(?<![\w.~-])/(?:work|home|root|Users)/\w")
HOSTS = re.compile("|".join((r"pypi" + r"\.org", r"pythonhosted" + r"\.org", r"registry\.npm" + r"js")))


def sources() -> list[Path]:
    """Every Python file of the four packages."""
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def committed() -> list[Path]:
    """Every file that git keeps or would keep, and can be read as text."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = (ROOT / name.decode() for name in listed.stdout.split(b"\0") if name)
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()]


def too_long(source: str) -> list[str]:
    """The module and functions over their length that no comment excuses with the words "longer than"."""
    lines = source.splitlines()
    found = []
    if len(lines) > LONGEST_MODULE and not any(map(EXCUSE.search, lines[:20])):
        found.append(f"module of {len(lines)} lines")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            excused = any(map(EXCUSE.search, lines[max(node.lineno - 4, 0) : node.lineno + 6]))
            if length > LONGEST_FUNCTION and not excused:
                found.append(f"{node.name} of {length} lines")
    return found


def clock_readings(source: str) -> list[int]:
    """The lines that ask the machine for the date or the time of day."""
    wall = {
        ("datetime", "now"),
        ("datetime", "utcnow"),
        ("date", "today"),
        ("datetime", "today"),
        ("time", "time"),
    }
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and (node.value.id, node.attr) in wall
    ]


JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
ESCAPES = {"escaping switched off": re.compile(r"\|\s*safe\b|\bautoescape\s+false", re.IGNORECASE)}
MARKUP = {
    "inline script": re.compile(r"<script(?![^>]*\bsrc=)", re.IGNORECASE),
    "inline style": re.compile(r"<style\b|<[a-z][^>]*\sstyle\s*=", re.IGNORECASE),
    "inline handler": re.compile(r"<[a-z][^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "address with a scheme": re.compile(
        r"""(?:src|href|action)\s*=\s*["'](?:https?:|data:|javascript:|//)""", re.IGNORECASE
    ),
}
FORM = re.compile(r"<form\b", re.IGNORECASE)


def forbidden_markup(template: str, may_open_forms: bool) -> list[str]:
    """What the template does that the security policy, the escaping or the form macro exists to stop."""
    markup = JINJA.sub("", template)
    found = [fault for fault, pattern in ESCAPES.items() if pattern.search(template)]
    found += [fault for fault, pattern in MARKUP.items() if pattern.search(markup)]
    return found if may_open_forms or not FORM.search(template) else [*found, "form beside the macro"]


def test_modules_and_functions_are_short_enough_to_read() -> None:
    assert {
        str(path.relative_to(ROOT)): long for path in sources() if (long := too_long(path.read_text()))
    } == {}


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("x = 1\n" * 301, ["module of 301 lines"]),
        ("def act():\n" + "    x = 1\n" * 40, ["act of 41 lines"]),
        ("def act():\n" + "    x = 1\n" * 39, []),
        ("# Longer than forty lines, because it is a table.\ndef act():\n" + "    x = 1\n" * 60, []),
    ],
)
def test_a_long_module_or_function_is_found(planted: str, found: list[str]) -> None:
    assert too_long(planted) == found


def test_every_module_is_named_for_what_is_inside() -> None:
    named = [
        path
        for path in sources()
        if EMPTY_NAMES.fullmatch(path.stem) or EMPTY_NAMES.fullmatch(path.parent.name)
    ]
    assert named == []


@pytest.mark.parametrize("name", ["utils", "helpers", "manager", "service", "common", "base", "core", "data"])
def test_an_empty_name_is_found(name: str) -> None:
    assert EMPTY_NAMES.fullmatch(name)


def test_the_clock_is_read_only_where_a_process_begins() -> None:
    readings = {str(path.relative_to(ROOT)) for path in sources() if clock_readings(path.read_text())}
    assert readings <= CLOCKS


def test_a_reading_of_the_clock_is_found() -> None:
    assert clock_readings("from datetime import datetime\nadmitted_at = datetime.now(UTC)\n") == [2]


def test_no_page_goes_around_the_escaping_the_policy_or_the_form_macro() -> None:
    faults = {}
    for path in sorted((ROOT / "vault").rglob("*.html")):
        found = forbidden_markup(path.read_text(), "macros" in path.parts)
        if found:
            faults[str(path.relative_to(ROOT))] = found
    assert faults == {}


@pytest.mark.parametrize(
    ("planted", "fault"),
    [
        ("{{ name|safe }}", "escaping switched off"),
        ("{% autoescape false %}", "escaping switched off"),
        ("<script>alert()</script>", "inline script"),
        ('<p class="a" style="color: red">', "inline style"),
        ('<a href="/" onclick="go()">', "inline handler"),
        ('<img src="data:image/png;base64,AA">', "address with a scheme"),
        ('<form method="post">', "form beside the macro"),
    ],
)
def test_a_planted_fault_of_markup_is_found(planted: str, fault: str) -> None:
    assert forbidden_markup(planted, may_open_forms=False) == [fault]


def test_honest_markup_is_let_through() -> None:
    page = (
        '<script src="{{ url }}" defer></script><p class="only">{{ on }} style</p><a href="/cases">Cases</a>'
    )
    assert forbidden_markup(page, may_open_forms=False) == []


def test_no_committed_file_names_a_machine_or_a_registry() -> None:
    named = [
        str(path.relative_to(ROOT)) for path in committed() if tells_where(path.read_text(errors="replace"))
    ]
    assert named == []


def tells_where(text: str) -> bool:
    """Whether the text names a folder of somebody's machine or the host of a package registry."""
    return bool(PLACES.search(text) or HOSTS.search(text))


@pytest.mark.parametrize("planted", ["see /ho" + "me/ada/notes", "https://py" + "pi.org/simple"])
def test_a_named_machine_or_registry_is_found(planted: str) -> None:
    assert tells_where(planted)


def test_lock_files_hold_hashes_and_no_addresses() -> None:
    locks = sorted((ROOT / "deploy/locks").glob("*.txt"))
    assert {path.name for path in locks} >= {"runtime.txt", "dev.txt", "bench.txt", "node.txt"}
    for path in locks:
        lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
        pins = re.split(r"\n(?=\S)", "\n".join(lines))
        assert all(re.match(r"[a-z0-9._-]+==\S+ \\\n", pin) and "--hash=sha256:" in pin for pin in pins)
        assert "://" not in path.read_text()
    design = (ROOT / "deploy/uswds/package-lock.json").read_text()
    assert "://" not in design
    assert design.count('"integrity": "sha512-') == design.count('"node_modules/')


def test_the_larger_sets_contain_the_smaller() -> None:
    pins = {
        name: set(re.findall(r"^\S+==\S+", (ROOT / f"deploy/locks/{name}.txt").read_text(), re.MULTILINE))
        for name in ("runtime", "dev", "bench")
    }
    assert pins["runtime"] < pins["dev"] < pins["bench"]


def test_each_package_says_at_its_end_what_it_does_not_protect() -> None:
    for package in PACKAGES:
        headings = re.findall(r"^## (.+)$", (ROOT / package / "README.md").read_text(), re.MULTILINE)
        assert headings[-1] == "What this does not protect", package


def test_there_is_no_folder_of_documents_apart_from_the_code() -> None:
    assert not (ROOT / "docs").exists()


PLANTED_IMPORTS = {
    "housing/planted.py": "import audit.errors\n",
    "audit/planted.py": "import flask\nimport cryptography\n",
    "vault/cases/models.py": "import flask\n",
    "vault/cases/views.py": "",
    "vault/cases/forms.py": "import vault.cases.views\nimport crypto.identity\n",
    "vault/utils.py": "",
}


def test_the_import_contracts_catch_every_planted_breach(tmp_path: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("static", "__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, source in PLANTED_IMPORTS.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).parent.joinpath("__init__.py").touch()
        (tmp_path / name).write_text(source)
    linter = Path(sys.executable).with_name("lint-imports")
    told = subprocess.run(
        [linter, "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False
    ).stdout
    contracts = re.findall(r'^name = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1:]
    assert len(contracts) == 7
    assert [name for name in contracts if f"{name} BROKEN" not in told] == []
