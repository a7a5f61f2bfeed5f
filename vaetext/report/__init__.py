"""Tables, pictures and examples, and what a terminal shows."""
