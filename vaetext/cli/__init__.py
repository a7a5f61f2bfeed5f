"""The command line: from argv to a verb. Imports no torch."""
