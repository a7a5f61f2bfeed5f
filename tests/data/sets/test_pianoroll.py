"""The published piano rolls, which are not part of the package: they are found, or tests skip."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import xlogy

from vaetext.config.data import PianoRolls
from vaetext.data import corpora
from vaetext.data.corpora import Corpus
from vaetext.data.files import find
from vaetext.data.loader import Split
from vaetext.data.sets.pianoroll import FILES, transposed

# corpus -> sequences and frames of train, valid and test; nats a step of independent notes on test
KNOWN = {
    "jsb": ([229, 76, 77], [13807, 4602, 4725], 11.06),
    "nottingham": ([694, 173, 170], [176561, 45513, 44463], 10.25),
    "musedata": ([524, 135, 124], [245202, 82755, 64339], 11.51),
    "piano-midi": ([87, 12, 25], [75911, 8540, 19036], 11.05),
}


def load(corpus: str, root: str) -> Corpus:
    if not find(FILES[corpus].path, root):
        pytest.skip(f"{FILES[corpus].path} is not in {root}")
    return corpora.load(PianoRolls(name="pianoroll", corpus=corpus, root=root))


@pytest.mark.parametrize("name", KNOWN)
def test_splits_have_their_published_sizes_and_independent_notes_their_known_nats(
    name: str, real_data: str
) -> None:
    sequences, frames, nats = KNOWN[name]
    corpus = load(name, real_data)
    assert [len(split) for split in corpus.splits.values()] == sequences
    assert [len(split.x) for split in corpus.splits.values()] == frames
    train = corpus.splits["train"].x
    rate = (train.sum(0) + 0.5) / (len(train) + 1)  # some notes of test never sound in train
    test = corpus.splits["test"].x.mean(0)
    assert -(xlogy(test, rate) + xlogy(1 - test, 1 - rate)).sum() == pytest.approx(nats, abs=0.005)


def test_a_corpus_names_its_runs_unless_they_have_a_label() -> None:
    assert PianoRolls(name="pianoroll").label == "jsb"
    assert PianoRolls(name="pianoroll", corpus="nottingham").label == "nottingham"
    assert PianoRolls(name="pianoroll", corpus="nottingham", label="tunes").label == "tunes"


def test_another_file_of_the_same_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pianorolls").mkdir()
    (tmp_path / FILES["jsb"].path).write_bytes(b"other")
    with pytest.raises(ValueError, match=r"JSB_Chorales\.mat: its checksum is .*data=frames"):
        corpora.load(PianoRolls(name="pianoroll", root=str(tmp_path)))


def test_transposed_pieces_keep_their_intervals_and_all_notes() -> None:
    high = np.zeros((3, 88), np.float32)
    high[0, [80, 84]] = 1
    high[1, 87] = 1
    low = np.zeros((2, 88), np.float32)
    low[:, 5] = 1
    silent = np.zeros((2, 88), np.float32)
    split = Split.of([high, low, silent])
    shifts = set()
    for epoch in range(100):
        found = transposed(split, 3, 0, epoch)
        for n in range(len(split)):
            assert (found[n].sum(1) == split[n].sum(1)).all()
        shift = int(found[0][0].argmax()) - 80
        assert (found[0] == np.roll(high, shift, 1)).all()
        shifts.add((shift, int(found[1][0].argmax()) - 5))
        assert (found.x == transposed(split, 3, 0, epoch).x).all()
    assert {shift for shift, _ in shifts} == {-3, -2, -1, 0}
    assert {shift for _, shift in shifts} == set(range(-3, 4))
