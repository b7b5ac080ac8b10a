"""A family of specs, of one width or depth after the other: how sizes and first updates go with it."""
