"""Seconds until PTB is ready: the first time, and from the cache. Imports are not counted."""

import os
import tempfile
import time

from vaetext.config.data import TextData
from vaetext.data import corpora
from vaetext.data.files import cache_folder


def main() -> None:
    """Imports everything and fetches the files, then loads twice, starting from an empty cache."""
    corpora.load(TextData(name="ptb"))
    config = TextData(
        name="ptb", root=os.environ.get("VAETEXT_DATA") or str(cache_folder() / "data")
    )
    print("| PTB | seconds |\n|---|---|")
    with tempfile.TemporaryDirectory() as cache:
        os.environ["VAETEXT_CACHE"] = cache
        for name in ("first time", "from the cache"):
            started = time.perf_counter()
            corpora.load(config)
            print(f"| {name} | {time.perf_counter() - started:.2f} |")


if __name__ == "__main__":
    main()
