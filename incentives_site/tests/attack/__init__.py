"""An attack on the published figures: a company, readers of every role, and a solver that knows the directory."""
