"""The demonstration: Complete Journey's shop data, and a few rows of our own on top (``README.md``)."""
