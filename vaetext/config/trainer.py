"""The options of training; their values are in ``conf/trainer/``."""

from dataclasses import dataclass
from math import inf

from vaetext.config.kl import KLWeight
from vaetext.config.options import check_unused, option

TECHNICAL = (
    "device",
    "devices",
    "threads",
    "log_every",
    "checkpoint_minutes",
    "eval_batch_tokens",
    "iw_samples",
    "sample_every",
    "tensorboard",
    "examples",
)  # options that change no weight
MOST = 1024  # processes on a machine


@dataclass
class Trainer(KLWeight):
    """Options of training. Schedules count epochs from 0; losses are in nats per sequence."""

    name: str = option("default", "name of these options, as in conf/trainer/")
    train_on: str = option(
        "data",
        "sequences of an epoch: those of the training split, or samples: as many sampled from the"
        " model, others in each epoch, to fit its q(z|x) alone (train_modules)",
        choices=("data", "samples"),
    )
    train_modules: list[str] = option(
        [],
        "modules that are trained, as in [encoder,head]; the others keep their weights and are"
        " as in evaluation, without dropout; []: all",
    )
    epoch_batches: int = option(
        0, "batches in an epoch; 0: one pass over the training split", min=0, max=10**7
    )
    batch_size: int = option(32, "sequences in a batch", min=1)
    length_pool: int = option(
        64,
        "batches whose sequences are sorted by length together; 1 does not sort (with batch"
        " normalisation it is always 1)",
        min=1,
    )
    accumulate: int = option(
        1,
        "batches in each optimizer step, as if they were one (free bits and batch normalisation"
        " apply to each)",
        min=1,
    )
    optimizer: str = option("adam", "optimizer", choices=("adam", "adamw", "sgd"))
    lr: float = option(1e-3, "learning rate", above=0.0)
    lr_scales: dict[str, float] = option(
        {}, "multiples of lr for single modules, as in lr_scales.encoder=0.1"
    )
    betas: list[float] = option(
        [0.9, 0.999],
        "Adam's decay rates of the mean and the square of the gradient",
        min=0.0,
        below=1.0,
    )
    eps: float = option(
        1e-8,
        "what Adam adds to the root of the square: gradients far below it move their weights as by"
        " SGD, at the rate lr / eps",
        above=0.0,
    )
    weight_decay: float = option(0.0, "weight decay", min=0.0)
    clip: float = option(5.0, "largest gradient norm; 0 does not clip", min=0.0)
    schedule: str = option(
        "constant", "learning-rate schedule", choices=("constant", "halving", "plateau", "cosine")
    )
    halve_at: list[int] = option(
        [], "halving: epochs at whose start the learning rate is multiplied by lr_factor", min=0
    )
    lr_factor: float = option(
        0.5,
        "halving, plateau: factor by which the learning rate is multiplied",
        above=0.0,
        below=1.0,
    )
    plateau_patience: int = option(
        1, "plateau: epochs without improvement before the learning rate is multiplied", min=0
    )
    warmup_steps: int = option(
        0, "optimizer steps over which the learning rate rises linearly from 0", min=0
    )
    bound: str = option(
        "elbo",
        "bound that is trained on, from trainer.samples samples; iwae (importance-weighted) and"
        " fivo (particle filter: a latent per step) take KL weights of 1 and no free bits",
        choices=("elbo", "iwae", "fivo"),
    )
    estimator: str = option(
        "reinforce-ema",
        "gradient of a discrete latent: score function with a running mean as baseline, with the"
        " mean of the other samples as baseline, or every value enumerated",
        choices=("reinforce-ema", "rloo", "enumerate"),
    )
    reward_weight: float = option(
        1.0, "weight of the score function's gradient; 1 is unbiased", min=0.0
    )
    baseline_decay: float = option(
        0.9, "decay rate of the running means of reward and KL", min=0.0, below=1.0
    )
    word_dropout: float = option(
        0.0,
        "share of the decoder's input tokens replaced by the unknown token (frames: by zeros)",
        min=0.0,
        max=1.0,
    )
    samples: int = option(1, "samples of z for each sequence", min=1)
    patience: int = option(
        0,
        "epochs without a lower bound on valid (-ELBO, or what bound names) before training stops,"
        " counted once no KL weight rises and no free bits fall any more; 0 never stops early",
        min=0,
    )
    min_improvement: float = option(
        0.0,
        "patience, plateau: least decrease of that bound that counts, in nats per token or frame"
        " (0.01 is 1 % of PPL)",
        min=0.0,
    )
    average: str = option(
        "none",
        "weights that are validated, evaluated and saved as best: those of the last step, their"
        " exponential mean over steps, or the mean of all steps since valid stopped improving",
        choices=("none", "exponential", "triggered"),
    )
    average_decay: float = option(
        0.999, "exponential: share of the mean that a step keeps", above=0.0, below=1.0
    )
    average_patience: int = option(
        5, "triggered: epochs without a lower bound on valid before the mean begins", min=1
    )
    init_from: str | None = option(
        None, "run from whose weights training starts, where they fit; the optimizer is new"
    )
    init_modules: list[str] = option([], "init_from: modules that take its weights; []: all")
    init_checkpoint: str = option("best", "init_from: which weights", choices=("best", "last"))
    eval_batch_tokens: int = option(
        4096, "evaluation: padded tokens in each batch of sequences and samples", min=1
    )
    iw_samples: int = option(
        50, "samples of the importance-weighted bound on test, after training; 0 skips it", min=0
    )
    sample_every: int = option(
        0,
        "epochs between samples and reconstructions during training, in the run folder's samples/;"
        " 0: none",
        min=0,
    )
    device: str = option("auto", "auto, cpu, cuda or cuda:N; auto takes a GPU if there is one")
    devices: str = option(
        "1",
        "processes that share each batch, a GPU each, or all on the CPU; auto: one for each GPU",
    )
    precision: str = option(
        "fp32",
        "matrix products in training; bf16 needs a GPU, or a CPU with AVX512 or AMX (evaluation:"
        " fp32)",
        choices=("fp32", "bf16"),
    )
    threads: int = option(
        0,
        "CPU threads of each process; 0: one for each core, divided among them (if other programs"
        " use the cores too, 1 thread or OMP_WAIT_POLICY=passive is many times faster)",
        min=0,
        max=1024,
    )
    log_every: int = option(50, "optimizer steps between lines of metrics", min=1)
    checkpoint_minutes: float = option(
        5.0, "longest time between checkpoints, in minutes", above=0.0
    )
    tensorboard: bool = option(
        False, "also write tensorboard events (pip install 'vaetext[tensorboard]')"
    )
    examples: bool = option(
        True, "write samples, reconstructions and pictures after training, not tables alone"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.betas) != 2:
            raise ValueError(
                f"betas={self.betas} must be two numbers: the decay rates of the mean and the"
                " square of the gradient"
            )
        for module, scale in self.lr_scales.items():
            if not 0 < scale < inf:
                raise ValueError(
                    f"lr_scales={self.lr_scales}: the multiple of lr of {module} must be a finite"
                    " number above 0"
                )
        if self.devices != "auto" and not _is_count(self.devices):
            raise ValueError(
                f"devices={self.devices}: give the number of processes, 1 to {MOST}, or auto"
            )
        self._check_unused()
        if self.bound != "elbo":
            self._check_bound()
        if self.train_on == "samples" and not self.train_modules:
            raise ValueError(
                "train_on=samples: a decoder would be trained on what it has sampled itself; name"
                " the modules of q(z|x) alone, as in train_modules=[encoder,head]"
            )

    def _check_unused(self) -> None:
        """Refuses options that would change nothing."""
        if self.optimizer == "sgd":
            check_unused(self, "optimizer=adam or adamw", "betas", "eps")
        if self.schedule != "halving":
            check_unused(self, "schedule=halving", "halve_at")
        if self.schedule != "plateau":
            check_unused(self, "schedule=plateau", "plateau_patience")
        if self.schedule not in ("halving", "plateau"):
            check_unused(self, "schedule=halving or plateau", "lr_factor")
        if self.schedule != "plateau" and not self.patience:
            check_unused(self, "patience above 0 or schedule=plateau", "min_improvement")
        if self.average != "exponential":
            check_unused(self, "average=exponential", "average_decay")
        if self.average != "triggered":
            check_unused(self, "average=triggered", "average_patience")
        if not self.init_from:
            check_unused(self, "init_from=RUN", "init_modules", "init_checkpoint")

    def _check_bound(self) -> None:
        """Importance weights have no KL that could be weighted or floored."""
        weights = {each["beta_max"] for each in self.latents.values() if "beta_max" in each}
        weighted = self.beta_schedule != "constant" or {self.beta_max, *weights} != {1.0}
        if weighted or self.has_free_bits:
            raise ValueError(
                f"bound={self.bound} takes a KL weight of 1 and no free bits; set"
                " beta_schedule=constant beta_max=1 free_bits=0 (of single latents too), or"
                " bound=elbo"
            )


def _is_count(text: str) -> bool:
    return text.isdecimal() and 1 <= int(text) <= MOST and not text.startswith("0")
