"""Real PostgreSQL and Valkey from wheels, for machines where nothing is prepared."""
