"""The Flask service that keeps the programme's records."""
