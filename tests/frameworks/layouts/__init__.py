"""Layers of other libraries, filled with this service's arrays and run; where a library is missing, it is skipped."""
