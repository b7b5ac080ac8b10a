"""NumPy: PCG64, and the ziggurat of its normals."""
