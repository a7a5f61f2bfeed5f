"""Tables, plots, examples and what a terminal shows."""
