"""Studies weights: what they came out as, beside what they should be. Knows no HTTP."""
