"""The compiled loops of other frameworks' streams: their words, and their words to values."""
