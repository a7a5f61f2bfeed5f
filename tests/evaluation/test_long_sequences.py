"""Evaluation keeps no path of any particle: its memory does not grow with K times the steps."""

import subprocess
import sys

SCORE = """
import resource
import numpy as np
import torch
from vaetext.config.models.vrnn import VRNN
from vaetext.data.domain import Binary
from vaetext.data.loader import Split
from vaetext.evaluation.scoring import score
from vaetext.models.registry import build

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

torch.set_num_threads(1)
options = {"hidden_dim": 16, "feature_dim": 16, "feature_layers": 1, "latent_dim": 128}
model = build(VRNN(name="vrnn", **options), Binary(8, 1000))
split = Split.of([np.zeros((1000, 8), np.float32)])
more = {"seed": 0, "samples": 1, "batch_tokens": 4096, "device": torch.device("cpu")}
score(model, split, **more)
before = peak()
score(model, split, particles=128, **more)
print((peak() - before) / 1024)
"""


def test_a_filter_of_128_particles_over_1000_steps_keeps_no_path_of_them() -> None:
    """Each of z and the means and variances of q and p would take 62 MiB."""
    done = subprocess.run([sys.executable, "-c", SCORE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 40
