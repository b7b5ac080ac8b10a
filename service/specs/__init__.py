"""Reads what is asked for: `model` is the spec, `rules` and `recipes` its shorter forms, `warnings` its doubts."""
