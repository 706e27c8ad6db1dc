"""How fast the stacking engine is, against others of its kind and against itself (``docs/benchmarks.md``)."""
