"""Pictures of what was found: a diagnosis, and histograms of parameters, as SVG."""
