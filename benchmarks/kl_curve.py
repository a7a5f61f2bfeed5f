"""A picture of rec and KL over the optimizer steps of a run (figure 2 of Trénous 2017).

    python benchmarks/kl_curve.py RUN PICTURE.png

The KL of each latent is at weight 1, a mean over `trainer.log_every` steps; beside it, the weight
with which it was trained. Its axis is logarithmic.
"""

import sys
from pathlib import Path

from vaetext.report.plots.figures import panels, save
from vaetext.runs.results import read_metrics


def main(run: str, picture: str) -> None:
    """Draws the steps of one run."""
    lines = [line for line in read_metrics(Path(run)) if line["split"] == "steps"]
    steps = [line["step"] for line in lines]
    figure, axes = panels(1, 2)
    kl, rec = axes[0]
    for name in lines[0]["kl"]:
        kl.plot(steps, [line["kl"][name] for line in lines], label=f"KL {name}", lw=1)
    kl.set(yscale="log", title="KL", ylabel="nats per sequence", xlabel="optimizer step")
    weights = kl.twinx()
    weights.plot(steps, [line["beta"] for line in lines], color="0.6", ls="--", lw=1)
    weights.set(ylabel="KL weight (dashed)", ylim=(0, 1.05))
    kl.legend(fontsize=8, loc="lower right")
    rec.plot(steps, [line["rec"] for line in lines], color="C2", lw=1)
    rec.set(title="rec", ylabel="nats per sequence", xlabel="optimizer step")
    save(figure, Path(picture))


if __name__ == "__main__":
    main(*sys.argv[1:])
