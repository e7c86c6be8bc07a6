"""`python -m vault settings`: what is set, and where each value came from."""

from collections.abc import Iterator
from pathlib import Path

import click

from vault.setting_rules import Shown
from vault.settings import load
from vault.terminal import data_option


def table_lines(lines: list[Shown]) -> Iterator[str]:
    """The table of deploy/README.md: every setting, its value, what it may be, and what it is for."""
    yield "| setting | as delivered | may be | what it is |"
    yield "|---|---|---|---|"
    for one in lines:
        value = "" if one.value in {"not set", "none"} else f"`{one.value}`"
        yield f"| `{one.name}` | {value} | {one.setting.allowed} | {one.setting.words} |"


@click.command()
@data_option
@click.option("--explain", is_flag=True, help="Print a table with the range of each and what it is for.")
def settings(data: Path, explain: bool) -> None:
    """Print every setting and where it came from; of a secret, only whether it is set."""
    lines = load(data).shown()
    if explain:
        for line in table_lines(lines):
            click.echo(line)
        return
    wide = max(len(one.name) for one in lines)
    for one in lines:
        click.echo(f"{one.name.ljust(wide)}  {one.value}  ({one.source.label})")
