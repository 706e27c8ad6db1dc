"""How soon results of a large wave are read, and how many answers a second are taken (``docs/benchmarks.md``, Surveys)."""
