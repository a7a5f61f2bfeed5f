"""A picture of rec and KL over the optimizer steps of runs (figure 2 of Trénous 2017).

    python benchmarks/kl_curve.py PICTURE.png RUN
    python benchmarks/kl_curve.py PICTURE.png "as it is=RUN" "with tanh=RUN" ...

The KL of each latent is at weight 1, a mean over `trainer.log_every` steps; dashed, the weight with
which it was trained. Its axis is logarithmic.
"""

import sys
from pathlib import Path

from vaetext.report.plots.figures import panels, save
from vaetext.runs.results import read_metrics

Curves = dict[str, list[float]]  # "step", "beta", "rec" and "KL " with each latent


def main(picture: str, *runs: str) -> None:
    """Draws the steps of runs, a line each."""
    curves = {label: read(folder) for label, folder in map(named, runs)}
    first = next(iter(curves.values()))
    titles = sorted(title for title in first if title not in ("step", "beta"))
    figure, (axes,) = panels(1, len(titles))
    for axis, title in zip(axes, titles, strict=True):
        for label, each in curves.items():
            axis.plot(each["step"], each[title], label=label, lw=1)
        axis.set(title=title, xlabel="optimizer step", ylabel="nats per sequence")
        if title != "rec":
            axis.set(yscale="log")
            weight = axis.twinx()
            weight.plot(first["step"], first["beta"], color="0.6", ls="--", lw=1)
            weight.set(ylabel="KL weight (dashed)", ylim=(0, 1.05))
    axes[-1].legend(fontsize=8)
    save(figure, Path(picture))


def named(run: str) -> tuple[str, str]:
    """(label, folder) of LABEL=RUN, or of a folder alone."""
    label, found, folder = run.rpartition("=")
    return (label, folder) if found else (Path(run).name, run)


def read(run: str) -> Curves:
    """The curves of a run."""
    lines = [line for line in read_metrics(Path(run)) if line["split"] == "steps"]
    curves = {name: [line[name] for line in lines] for name in ("step", "beta", "rec")}
    return curves | {f"KL {name}": [line["kl"][name] for line in lines] for name in lines[0]["kl"]}


if __name__ == "__main__":
    main(*sys.argv[1:])
