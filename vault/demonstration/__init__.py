"""The demonstration: an invented programme in a real vault, made by a seeded script through the real acts."""
