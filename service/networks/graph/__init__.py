"""The graph of a network: what each layer takes, and the shapes of what it gives."""
