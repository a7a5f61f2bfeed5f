"""Several processes that train one model: what each has of a batch, and how they add up."""
