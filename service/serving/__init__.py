"""Serves the application: what is listened on, processes, and how they begin and end."""
