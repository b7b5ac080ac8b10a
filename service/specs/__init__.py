"""Reads what is asked for: `spec` is the request, `rules`, `recipes` and `tensors` its shorter forms."""
