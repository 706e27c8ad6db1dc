"""django-oscar: a minimal project around its ``Applicator``."""
