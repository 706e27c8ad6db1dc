"""Other engines, installed from their registries below ``var/bench/peers`` and driven from here. None of their code is kept."""
