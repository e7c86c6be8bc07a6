"""Notices by mail that say nothing but that something may wait."""
