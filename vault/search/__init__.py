"""Finding a person by name, sound, birthday or number, none of which stands in plain in the database."""
