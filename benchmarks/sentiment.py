"""The error of classifiers of sentiment by what a topicrnn makes of reviews.

    python benchmarks/sentiment.py RUN [TEST]

RUN is a run of ``model=topicrnn data=imdb``, TEST how many test reviews are classified (all). Each
line is a logistic regression on the training reviews of the run: of a bag of words, of the last
state, of theta, and of both. How strongly its weights are penalised is chosen by the validation
reviews. The figure is the share of test reviews whose sentiment is wrong, in %.
"""

import sys
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import vaetext
from vaetext.data.loader import Split
from vaetext.evaluation.scoring import batches
from vaetext.runs.run import Run

STRENGTHS = (0.001, 0.01, 0.1, 1.0)  # inverse penalties that are tried
Features = dict[str, np.ndarray]


@torch.no_grad()
def features(run: Run, split: Split) -> Features:
    """Of each review the log of counts [N, V], E_q[theta] [N, D], and the last state [N, H]."""
    model: Any = run.model
    parts: list[tuple[np.ndarray, ...]] = []
    for batch in batches(model, split, 8192, run.device):
        counts = torch.zeros(len(batch), model.domain.size, device=batch.x.device)
        counts.scatter_add_(1, batch.x, batch.word_mask.float())
        theta = model.encode(batch).mean
        outputs = model.decoder.outputs(batch, model.decoder.start(theta[None]))[0][0]
        last = outputs[torch.arange(len(batch)), batch.lengths - 1]
        parts.append(tuple(each.cpu().numpy() for each in (batch.index, counts, theta, last)))
    index, *columns = (np.concatenate(each) for each in zip(*parts, strict=True))
    words, topics, state = (each[np.argsort(index)] for each in columns)
    return {
        "bag of words": np.log1p(words),
        "last state": state,
        "theta": topics,
        "theta and last state": np.concatenate([topics, state], 1),
    }


def error(x: Features, y: Features, name: str) -> float:
    """The error on test, in %, of the classifier that is best on valid.

    Args:
        x: split -> features [N, F], which are standardised by the training split.
        y: split -> labels [N].
        name: bags of words are not standardised.
    """
    if name != "bag of words":
        scaler = StandardScaler().fit(x["train"])
        x = {split: scaler.transform(each) for split, each in x.items()}
    fitted = [
        LogisticRegression(C=strength, max_iter=2000).fit(x["train"], y["train"])
        for strength in STRENGTHS
    ]
    best = max(fitted, key=lambda each: each.score(x["valid"], y["valid"]))
    return 100 * (1 - float(best.score(x["test"], y["test"])))


def main(folder: str, test: int | None = None) -> None:
    """Prints a line for each kind of features."""
    run = vaetext.load(folder)
    labelled = "sentiment" in run.corpus.splits["train"].factors
    if run.model.name != "topicrnn" or not labelled:
        raise SystemExit(f"{folder} is no run of model=topicrnn data=imdb: give one")
    splits = dict(run.corpus.splits)
    if test is not None:
        whole = splits["test"]
        factors = {name: each[:test] for name, each in whole.factors.items()}
        splits["test"] = Split(whole.x, whole.offsets[: test + 1], factors=factors)
    labels = {name: split.factors["sentiment"] for name, split in splits.items()}
    found = {name: features(run, split) for name, split in splits.items()}
    for name in found["train"]:
        each = {split: of_split[name] for split, of_split in found.items()}
        print(f"{name}\t{error(each, labels, name):.2f} %", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else None)
