"""Serves weights over HTTP: a file a resource, one table of errors, one way for an answer out."""
