"""The first steps of a training: descent over any network, what it does to every layer, and whether it goes well."""
