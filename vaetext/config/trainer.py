"""The options of training; the values of each setting stand in ``conf/trainer/``."""

import math
from dataclasses import dataclass

from vaetext.config.options import Checked, closest, option

PER_LATENT = ("beta_max", "beta_delay", "free_bits")

TECHNICAL = (
    "device",
    "threads",
    "log_every",
    "checkpoint_minutes",
    "eval_batch_tokens",
    "iw_samples",
    "tensorboard",
)  # no training


@dataclass
class Trainer(Checked):
    """One setting of the training loop. Epochs count from 0 in every schedule; losses are nats per sequence."""

    name: str = option("default", "the setting's name, as in conf/trainer/")
    epochs: int = option(20, "most epochs", min=1)
    epoch_batches: int = option(
        0, "batches of an epoch; 0 makes it a pass over the training split", min=0, max=10**7
    )
    batch_size: int = option(32, "sequences per batch", min=1)
    length_pool: int = option(
        64,
        "batches sorted by length together; 1 draws all at random, as models with batch normalisation do",
        min=1,
    )
    accumulate: int = option(
        1,
        "batches that one optimizer step takes together, as one of their size (free bits are for each)",
        min=1,
    )
    optimizer: str = option("adam", "optimizer", choices=("adam", "adamw", "sgd"))
    lr: float = option(1e-3, "learning rate", above=0.0)
    betas: list[float] = option([0.9, 0.999], "Adam's decay rates", min=0.0, below=1.0)
    weight_decay: float = option(0.0, "weight decay", min=0.0)
    clip: float = option(5.0, "largest gradient norm; 0 leaves gradients as they are", min=0.0)
    schedule: str = option(
        "constant", "learning-rate schedule", choices=("constant", "halving", "plateau", "cosine")
    )
    halve_at: list[int] = option(
        [], "halving: epochs at whose start the learning rate is multiplied by lr_factor", min=0
    )
    lr_factor: float = option(
        0.5, "halving and plateau: factor on the learning rate", above=0.0, below=1.0
    )
    plateau_patience: int = option(
        1, "plateau: epochs without improvement before the factor applies", min=0
    )
    warmup_steps: int = option(0, "optimizer steps of linear learning-rate warm-up", min=0)
    beta_schedule: str = option(
        "linear", "KL weight over steps", choices=("constant", "linear", "sigmoid", "cyclical")
    )
    beta_start: float = option(0.0, "linear, cyclical: KL weight at step 0", min=0.0)
    beta_max: float = option(1.0, "largest KL weight", min=0.0)
    beta_epochs: float = option(
        10.0,
        "epochs that a KL weight from 0 takes to beta_max (of each cycle: its length)",
        above=0.0,
    )
    beta_ramp: float = option(0.5, "cyclical: share of each cycle that rises", above=0.0, max=1.0)
    beta_delay: float = option(
        0.0,
        "epochs that each latent's KL weight, which must rise, follows behind the one before (a ladder's z_2 behind z_1)",
        min=0.0,
    )
    free_bits: float = option(
        0.0,
        "nats of KL that cost nothing: a floor for each latent (or dimension), not for their sum",
        min=0.0,
    )
    free_bits_per: str = option(
        "latent",
        "what that floor is for (means over the batch)",
        choices=("latent", "dimension", "step"),
    )
    latents: dict[str, dict[str, float]] = option(
        {}, "beta_max, beta_delay and free_bits of single latents, as in latents.z_l.free_bits=2"
    )
    bound: str = option(
        "elbo",
        "bound that is trained on, from trainer.samples samples: iwae (importance-weighted) and fivo"
        " (particle filter, for models with a latent per step) take KL weights of 1 and no free bits",
        choices=("elbo", "iwae", "fivo"),
    )
    estimator: str = option(
        "reinforce-ema",
        "gradient of a discrete latent: score function with a running mean as baseline, with the"
        " mean of the other samples as baseline, or every value enumerated",
        choices=("reinforce-ema", "rloo", "enumerate"),
    )
    reward_weight: float = option(
        1.0, "weight of the score-function gradient; 1 is unbiased", min=0.0
    )
    baseline_decay: float = option(
        0.9, "decay rate of the running means of reward and KL", min=0.0, below=1.0
    )
    word_dropout: float = option(
        0.0,
        "share of the decoder's input words replaced by the unknown word (frames: by zeros)",
        min=0.0,
        max=1.0,
    )
    samples: int = option(1, "posterior samples per sequence", min=1)
    patience: int = option(
        0, "epochs without a better valid -ELBO before stopping; 0 never stops early", min=0
    )
    min_improvement: float = option(
        0.0,
        "fall of valid -ELBO, in nats per symbol or frame, that counts as better for patience and plateau (0.01: 1 % of PPL)",
        min=0.0,
    )
    eval_batch_tokens: int = option(
        4096, "padded tokens per evaluation batch and sample chunk", min=1
    )
    iw_samples: int = option(
        50, "samples of the importance-weighted bound on test after training; 0 skips it", min=0
    )
    device: str = option("auto", "auto, cpu, cuda or cuda:N")
    precision: str = option(
        "fp32",
        "arithmetic of matrix products in training; evaluation is always fp32 (bf16 needs a GPU, or a CPU with AVX512 or AMX)",
        choices=("fp32", "bf16"),
    )
    threads: int = option(
        0,
        "CPU threads; 0 takes every core this process may use (where other work shares the cores, one thread, or OMP_WAIT_POLICY=passive"
        " in the environment, is many times faster)",
        min=0,
        max=1024,
    )
    log_every: int = option(50, "optimizer steps between readings of the loss", min=1)
    checkpoint_minutes: float = option(5.0, "most minutes between checkpoints", above=0.0)
    tensorboard: bool = option(
        False, "also write tensorboard events (needs the extra: pip install 'vaetext[tensorboard]')"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.betas) != 2:
            raise ValueError(
                f"betas={self.betas} must be two numbers: the decay rates of the gradient's mean and of its square"
            )
        rises = self.beta_schedule == "sigmoid" or (
            self.beta_schedule != "constant" and self.beta_start < self.beta_max
        )
        if self.beta_delay and not rises:
            raise ValueError(
                f"beta_delay={self.beta_delay} has nothing to delay: with beta_schedule={self.beta_schedule}, beta_start={self.beta_start}"
                f" and beta_max={self.beta_max} the KL weight never rises; set beta_delay=0, or beta_schedule=linear and a lower beta_start"
            )
        self._check_latents()
        if self.bound != "elbo":
            self._check_bound()

    def of_latent(self, option: str, name: str) -> float:
        """An option for one latent: its own value in ``latents``, or the one for all."""
        return float(self.latents.get(name, {}).get(option, getattr(self, option)))

    def _check_latents(self) -> None:
        for name, given in self.latents.items():
            for key, value in given.items():
                if key not in PER_LATENT:
                    raise ValueError(
                        f"latents.{name}.{key}={value} is no option of a single latent; choose from"
                        f" {', '.join(PER_LATENT)}{closest(key, PER_LATENT)}"
                    )
                if not 0 <= value < math.inf:
                    raise ValueError(f"latents.{name}.{key}={value} must be at least 0 and finite")

    def _check_bound(self) -> None:
        """A bound of importance weights has no KL that could be weighted or floored."""
        floors = [self.free_bits, *(each.get("free_bits", 0.0) for each in self.latents.values())]
        weights = [each["beta_max"] for each in self.latents.values() if "beta_max" in each]
        if any(floors):
            raise ValueError(
                f"bound={self.bound}: it takes no free bits; set free_bits=0, or bound=elbo"
            )
        if self.beta_schedule != "constant" or {self.beta_max, *weights} != {1.0}:
            raise ValueError(
                f"bound={self.bound}: its KL weight is 1 throughout; set beta_schedule=constant"
                " beta_max=1, or bound=elbo"
            )
