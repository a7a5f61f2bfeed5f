"""What ``vaetext`` is configured with, as a package so that it travels in the wheel."""
