"""No byte differs: between replicas, numbers of threads, hash seeds, versions of Python and of packages, processors."""
