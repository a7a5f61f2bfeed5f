"""Columns: their titles, their order, and what is left out."""

import pytest
from records import record

from vaetext.report.columns import columns, kind, not_converged, note, of_training, ordered


def test_titles_name_their_convention_and_come_in_order() -> None:
    values = columns(record(100.0, {"z_g": 4.0, "z_l": 2.0}, 50, 0.3))
    assert list(values) == [
        "rec",
        "KL z_g",
        "KL z_l",
        "-ELBO",
        "IW-NLL(50)",
        "ESS(50)",
        "PPL",
        "PPL (no EOS)",
        "IW-PPL(50)",
        "NLL (rec)",
        "PPL (rec, no EOS)",
        "rec per token",
        "bits per token",
        "AU z_g",
        "AU z_l",
        "MI z_g",
        "MI z_l",
        "shuffle z_g",
        "shuffle z_l",
        "distance to truth",
        "stderr of distance",
    ]
    assert values["-ELBO"] == 106.0
    assert values["IW-NLL(50)"] == 105.5
    assert values["NLL (rec)"] == 100.0
    assert values["rec per token"] == 10.0


def test_columns_of_one_kind_are_ordered_by_k() -> None:
    titles = ["IW-PPL(50)", "KL z", "IW-NLL(500)", "rec", "PPL", "published PPL", "IW-NLL(50)"]
    assert ordered(titles) == [
        "rec",
        "KL z",
        "IW-NLL(50)",
        "IW-NLL(500)",
        "PPL",
        "published PPL",
        "IW-PPL(50)",
    ]


def test_columns_of_one_kind_are_ordered_by_latent() -> None:
    names = ["z_7", "z_3", "z_10", "z", "z_l", "z_2", "z_g", "z_1"]
    natural = ["z", "z_1", "z_2", "z_3", "z_7", "z_10", "z_g", "z_l"]
    titles = [f"{kind} {name}" for name in names for kind in ("MI", "KL")]
    assert ordered(titles) == [f"{kind} {name}" for kind in ("KL", "MI") for name in natural]


def test_kind_leaves_out_latent_and_k() -> None:
    titles = ["KL z_g", "IW-NLL(50)", "PPL (no EOS)", "KL (sum)", "distance to truth"]
    assert [kind(title) for title in titles] == ["KL", "IW-NLL", *titles[2:]]


@pytest.mark.parametrize(
    ("samples", "effective", "far"), [(50, 4.9, True), (50, 5.1, False), (5000, 99.0, True)]
)
def test_a_bound_is_far_from_converged_when_few_samples_count(
    samples: int, effective: float, far: bool
) -> None:
    means = {f"ESS({samples})": effective, "ESS(7)": 1.0}
    assert not_converged(f"IW-NLL({samples})", means) == far
    assert not_converged(f"IW-PPL({samples})", means) == far
    assert not not_converged("IW-NLL(10)", means)
    assert not not_converged("-ELBO", means)


def test_the_note_names_the_split() -> None:
    assert "over the whole test split" in " ".join(note("test split", ["rec"]).split())


def test_the_note_explains_the_columns_that_a_table_has() -> None:
    text = {"rec": 1.0, "-ELBO": 2.0, "PPL": 3.0, "rec per token": 0.1, "MI z": 1.0}
    frames = ["rec", "KL z", "-ELBO", "FIVO-NLL(8)", "-ELBO per step", "prior z"]
    of_text = note("test split", text).replace("\n", " ")
    of_frames = note("test split", frames).replace("\n", " ")
    assert "EOS counted" in of_text
    assert "MI: I_q" in of_text
    assert "EOS" not in of_frames
    for absent in ("PPL", "MI", "shuffle", "IW-NLL", "ESS", "token", "truth"):
        assert absent not in of_frames
    for present in ("FIVO-NLL(K)", "per step: total nats", "prior: "):
        assert present in of_frames
        assert present not in of_text


def test_figures_of_planes_and_of_training_have_a_place_and_a_note() -> None:
    titles = ["seconds per epoch", "mixing 4/9", "10-NN digit", "MI z"]
    assert ordered(titles) == ["MI z", "10-NN digit", "mixing 4/9", "seconds per epoch"]
    assert [kind(each) for each in titles[:3]] == ["seconds per epoch", "mixing", "10-NN"]
    shown = " ".join(note("test split", titles).split())
    assert "10-NN: share of sequences whose label is that of most of the 10 others" in shown
    assert "mixing: share of the other label among the 10 nearest" in shown


def test_seconds_per_epoch_are_those_of_training() -> None:
    assert of_training({"train_seconds": 30.0, "epochs": 4}) == {"seconds per epoch": 7.5}
    assert of_training({"train_seconds": None, "epochs": None}) == {}
