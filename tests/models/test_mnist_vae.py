"""mnist-vae: a distribution of tiny images, and what its options change."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from vaetext.config.models.mnist_vae import MnistVAE
from vaetext.data.domain import Binary, Domain, Symbols
from vaetext.data.loader import Split, collate
from vaetext.distributions.noise import KeyedNoise
from vaetext.models.base import SequenceModel
from vaetext.models.registry import build

IMAGES = [np.array(bits, np.float64).reshape(3, 2) for bits in product((0, 1), repeat=6)]
DOMAIN = Binary(2, 3)
ENCODERS = ("mlp", "lstm", "gru")


def make(domain: Domain = DOMAIN, **options: Any) -> SequenceModel:
    torch.manual_seed(0)
    config = MnistVAE(**{"name": "mnist-vae", "hidden_dim": 5, **options})
    return build(config, domain).double().eval()


@pytest.mark.parametrize("encoder", ENCODERS)
def test_probabilities_of_all_images_given_z_sum_to_one(encoder: str) -> None:
    model = make(encoder=encoder)
    batch = collate(Split.of(IMAGES), np.arange(len(IMAGES)), DOMAIN)
    z = torch.randn(4, 1, 2, dtype=torch.float64).expand(4, len(IMAGES), 2)
    log_px = model.log_px(batch, {"z": z}, KeyedNoise(0, batch.index, range(4)))
    torch.testing.assert_close(log_px.exp().sum(1), torch.ones(4, dtype=torch.float64))


def test_log_px_is_the_sum_over_pixels_of_the_decoder() -> None:
    model: Any = make()
    batch = collate(Split.of(IMAGES), np.array([13, 44]), DOMAIN)
    z = torch.randn(1, 2, 2, dtype=torch.float64)
    p = torch.sigmoid(model.decoder(z))[0].detach().numpy()
    x = np.stack([IMAGES[13], IMAGES[44]]).reshape(2, 6)
    expected = np.log(np.where(x == 1, p, 1 - p)).sum(1)
    found = model.log_px(batch, {"z": z}, KeyedNoise(0, batch.index, range(1)))
    np.testing.assert_allclose(found[0].detach(), expected, rtol=1e-12)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_the_encoder_reads_every_pixel(encoder: str) -> None:
    model = make(encoder=encoder)
    batch = collate(Split.of(IMAGES), np.array([0, 1, 2, 4, 8, 16, 32]), DOMAIN)
    means = model.encode(batch).mean
    assert len({tuple(row) for row in means.tolist()}) == 7


def test_an_rnn_reads_rows_in_their_order_alone() -> None:
    model: Any = make(encoder="gru")
    rows = torch.from_numpy(np.stack(IMAGES[:8])).double()
    whole = torch.ones(8, 3, dtype=torch.bool)
    h = torch.zeros(8, 5, dtype=torch.float64)
    gru = model.encoder.rnn.layers[0]
    cell = torch.nn.GRUCell(2, 5).double()
    cell.load_state_dict(
        {name.removesuffix("_l0"): each for name, each in gru.state_dict().items()}
    )
    for t in range(3):
        h = cell(rows[:, t], h)
    torch.testing.assert_close(model.encoder(rows, whole), h, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("domain", "options", "message"),
    [
        (Symbols(9, 1, 0, 5), {}, "model=mnist-vae: it takes data of kind binary; this .* symbols"),
        (DOMAIN, {"encoder": "cnn"}, r"encoder='cnn': choose from mlp, lstm, gru"),
        (DOMAIN, {"prior": "vamp"}, "pseudo_length=12: a sequence has at most 3 steps; set it to"),
    ],
)
def test_what_does_not_fit_is_an_error(domain: Domain, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(domain, **options)


def test_a_longer_image_than_the_model_takes_is_an_error() -> None:
    with pytest.raises(
        ValueError, match=r"model\.max_length=3: a sequence of my\.png has 4 frames"
    ):
        make().check_lengths(4, "my.png")
