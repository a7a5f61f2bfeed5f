"""Variational autoencoders of sequences and text: train, evaluate, compare."""

__version__ = "0.1.0"
