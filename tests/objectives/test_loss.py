"""The loss compared with its formula, with each kind of free bits."""

import pytest
import torch

from vaetext.config.trainer import Trainer
from vaetext.distributions.evidence import Code, Evidence
from vaetext.objectives.bounds import importance_nll
from vaetext.objectives.loss import training_loss


def code(kl: torch.Tensor, axes: tuple[str, ...] = ("dimension",)) -> Code:
    blank = torch.zeros(kl.shape[:2])
    return Code(blank, blank, None, blank, blank, kl, axes)


LOG_PX = torch.tensor([[-3.0, -5.0]])
KL = torch.tensor([[[0.1, 2.0], [0.3, 4.0]]])


@pytest.mark.parametrize(
    ("free_bits", "per", "kl"),
    [
        (0.0, "latent", 3.2),
        (4.0, "latent", 4.0),
        (0.5, "latent", 3.2),
        (0.5, "dimension", 3.5),
        (5.0, "dimension", 10.0),
    ],
)
def test_loss_is_the_weighted_bound_with_free_bits(free_bits: float, per: str, kl: float) -> None:
    config = Trainer(free_bits=free_bits, free_bits_per=per)
    loss = training_loss(Evidence(LOG_PX, {"z": code(KL)}), config, kl_weight=0.5)
    assert loss.item() == pytest.approx(4.0 + 0.5 * kl)


def test_auxiliary_terms_are_in_the_loss_and_not_in_the_bound() -> None:
    aux = {"deconvolution": torch.tensor([[-1.0, -2.0]])}
    evidence = Evidence(LOG_PX, {"z": code(KL)}, aux=aux)
    loss = training_loss(evidence, Trainer(free_bits=0.0), kl_weight=0.5)
    assert loss.item() == pytest.approx(4.0 + 1.5 + 0.5 * 3.2)
    assert evidence.elbo.mean().item() == pytest.approx(-4.0 - 3.2)


def test_each_latent_can_have_its_own_weight() -> None:
    evidence = Evidence(LOG_PX, {"z_1": code(KL), "z_2": code(2 * KL)})
    separate = training_loss(evidence, Trainer(), [0.5, 0.25])
    common = training_loss(evidence, Trainer(), 0.5)
    assert separate.item() == pytest.approx(4.0 + 0.5 * 3.2 + 0.25 * 6.4)
    assert common.item() == pytest.approx(4.0 + 0.5 * 9.6)


def test_free_bits_per_dimension_apply_to_the_sum_over_steps() -> None:
    steps = torch.stack([KL, KL], 2)
    config = Trainer(free_bits=0.5, free_bits_per="dimension")
    evidence = Evidence(LOG_PX, {"z": code(steps, ("step", "dimension"))})
    assert training_loss(evidence, config, 1.0).item() == pytest.approx(4.0 + 6.5)


def test_free_bits_per_dimension_refuse_a_kl_without_dimensions() -> None:
    config = Trainer(free_bits=0.5, free_bits_per="dimension")
    evidence = Evidence(LOG_PX, {"z": code(torch.ones(1, 2), ())})
    with pytest.raises(ValueError, match="free_bits_per=latent"):
        training_loss(evidence, config, 1.0)


def test_kl_below_its_floor_has_no_gradient() -> None:
    kl = KL.clone().requires_grad_()
    training_loss(Evidence(LOG_PX, {"z": code(kl)}), Trainer(free_bits=4.0), 1.0).backward()
    assert kl.grad is not None and kl.grad.abs().max() == 0


def test_loss_without_latents_is_the_exact_nll() -> None:
    assert training_loss(Evidence(LOG_PX), Trainer(), 1.0).item() == pytest.approx(4.0)


def test_importance_nll_is_at_most_minus_the_mean_log_weight() -> None:
    torch.manual_seed(0)
    log_weight = torch.randn(20, 6, dtype=torch.float64)
    assert bool((importance_nll(log_weight) <= -log_weight.mean(0)).all())
    torch.testing.assert_close(importance_nll(log_weight), -log_weight.exp().mean(0).log())
