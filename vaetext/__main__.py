"""``python -m vaetext``."""

from vaetext.cli.main import main

if __name__ == "__main__":
    main()
