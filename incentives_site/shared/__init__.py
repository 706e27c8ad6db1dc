"""The shared kernel: what every app may use and that knows none of them."""
