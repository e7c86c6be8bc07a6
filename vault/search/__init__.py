"""Finding a person by name, birth date, number or telephone."""
