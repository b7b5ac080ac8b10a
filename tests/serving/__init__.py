"""Processes, what they listen on, and how they begin and end."""
