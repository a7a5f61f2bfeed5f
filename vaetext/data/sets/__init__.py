"""One module a data set, found by the data set's name ("tweets-char": tweets_char.py).

Each has ``load(config, report) -> Corpus``.
"""
