"""Imports matplotlib, whatever MPLBACKEND is. Imported before every other module of plots.

A notebook sets MPLBACKEND for the processes it starts. Where that backend is not installed,
matplotlib refuses to be imported. No picture here needs a backend: they are written to files.
"""

import os
from contextlib import suppress

backend = os.environ.pop("MPLBACKEND", None)
try:
    import matplotlib
finally:
    if backend is not None:
        os.environ["MPLBACKEND"] = backend
if backend:
    with suppress(ValueError):
        matplotlib.rcParams["backend"] = backend  # an application that imports us keeps its own
