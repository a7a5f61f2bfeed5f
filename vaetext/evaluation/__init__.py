"""Scores of a split, metrics, decoding and latents."""
