"""`python -m vault`: everything that is done to a vault from a terminal."""

from vault.commands import cli

if __name__ == "__main__":
    cli(prog_name="python -m vault")
