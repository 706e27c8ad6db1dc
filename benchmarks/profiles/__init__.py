"""How fast events come in, become profiles, and are read again (``docs/benchmarks.md``, Profiles)."""
