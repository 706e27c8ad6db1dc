"""Redemptions against what PostgreSQL itself can do with the same statements."""
