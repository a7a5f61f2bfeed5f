"""``python -m vaetext``."""

from vaetext.cli import main

if __name__ == "__main__":
    main()
