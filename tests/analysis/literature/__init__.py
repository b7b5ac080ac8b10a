"""Starts of the literature, each with its source: what is said of them, and what a short training does."""
