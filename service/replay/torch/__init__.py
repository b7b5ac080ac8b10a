"""torch: its CPU generator, what its calls draw, what its modules and published models call."""
