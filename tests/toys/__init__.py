"""Small models that use what no model of the package uses yet, each one file; tests hold them to second routes."""
