"""How fast the service is, as ratios to what it is measured against; `make bench` runs it."""
