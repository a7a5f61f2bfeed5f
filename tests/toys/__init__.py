"""Small models that use what no model of the package uses yet, each in one file."""
