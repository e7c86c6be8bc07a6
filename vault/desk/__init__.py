"""The first page: what is waiting for this officer, and the clocks."""
