"""What the vault promises, by package and feature."""
