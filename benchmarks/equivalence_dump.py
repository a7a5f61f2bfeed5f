"""Every number of one commit's models, at tiny sizes, for ``equivalence.py`` to compare.

    PYTHONPATH=TREE python equivalence_dump.py CASES.json OUT.pt [GIVEN.pt]

``TREE`` is a commit's files, ``CASES.json`` what ``equivalence.py`` writes, ``GIVEN.pt`` another
commit's output whose weights, draws and latents are taken instead of this commit's own.

Whatever is named otherwise in some commit is looked up in ``equivalence_interface.py``.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from equivalence_interface import (
    ONE_INTERFACE,
    Frames,
    KeyedNoise,
    Split,
    Symbols,
    Trainer,
    Training,
    build,
    check_modules,
    collate,
    evaluate,
    evidence_of,
    importance_nll,
    log_px_of,
    loss_of,
    prior_of,
    register,
)
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf
from torch import Tensor

Numbers = dict[str, Tensor]
SAMPLES = 4
TRAINER = {
    "epochs": 1,
    "batch_size": 4,  # three steps for ten sequences
    "lr": 0.01,
    "warmup_steps": 2,
    "samples": 2,
    "free_bits": 0.05,
    "beta_start": 0.1,
    "beta_epochs": 2.0,
    "threads": 1,
    "device": "cpu",
}


def main(cases: str, out: str, given: str | None = None) -> None:
    """Writes ``out``: case -> name -> tensor."""
    torch.set_num_threads(1)
    shared = json.loads(Path(cases).read_text())
    others = torch.load(given, weights_only=True) if given else {}
    register()
    with initialize_config_module("vaetext.conf", version_base="1.3"):
        configs = {
            name: compose("train", overrides=[f"model={name}"]).model
            for name in dict.fromkeys(name for name, *_ in shared["cases"].values())
        }
    results = {}
    for case, (name, small, options, domain) in shared["cases"].items():
        one = Case(shared, configs[name], small, options, domain, others.get(case))
        results[case] = one.numbers()
    check_modules()
    torch.save(results, out)


class Case:
    """One model at its tiny sizes, and the sequences that it sees.

    Args:
        shared: ``CASES.json``.
        config: the model's, at its defaults.
        small: sizes, of which those that this model has are taken.
        options: those of this variant.
        domain: "symbols" or "frames".
        given: another commit's numbers of this case, to be taken where they are named alike.
    """

    def __init__(
        self,
        shared: Any,
        config: Any,
        small: Any,
        options: Any,
        domain: str,
        given: Numbers | None,
    ) -> None:
        self.config = config
        self.options = {key: each for key, each in small.items() if key in config} | options
        self.given = given or {}
        self.draws: Numbers = {}
        longest = shared["longest"]
        if domain == "symbols":
            self.domain = Symbols(size=shared["vocabulary"], eos=1, unk=0, longest=longest)
            self.sequences = shared["sequences"][domain]
        else:
            self.domain = Frames(size=shared["features"], longest=longest)
            self.sequences = [np.array(each) for each in shared["sequences"][domain]]
        self.split = Split.of(self.sequences)

    def numbers(self) -> Numbers:
        """Everything about this case, by name."""
        found = named("weights", self.model().state_dict())
        with self.recorded_draws():
            found |= self.evidence(training=False) | self.evidence(training=True)
            found |= self.evaluation()
        found |= self.draws
        if not self.given:
            found |= self.training(torch.float64) | self.training(torch.float32)
        return {name: each.detach().clone() for name, each in found.items()}

    def model(self, dropout: float = 0.0) -> Any:
        """The model with the same random weights each time, or with those that are given."""
        config: Any = OmegaConf.merge(self.config, self.options)
        for key in ("dropout", "output_dropout"):
            if key in config:
                config[key] = dropout
        torch.manual_seed(0)
        model = build(OmegaConf.to_object(config), self.domain).double()
        names = [name for name in model.state_dict() if f"weights/{name}" in self.given]
        weights = {name: self.given[f"weights/{name}"] for name in names}
        model.load_state_dict(weights, strict=False)  # a name that is missing is reported later
        return model

    def batch(self) -> Any:
        return collate(self.split, np.arange(len(self.split)), self.domain)

    def evidence(self, training: bool) -> Numbers:
        """Every term of the bound, two losses with their gradients, and the weights afterwards."""
        prefix = "train mode" if training else "evidence"
        model, batch = self.model().train(training), self.batch()
        evidence = evidence_of(model, batch, self.noise(0, batch.index, range(SAMPLES)))
        kept = SAMPLES if model.latents else 1  # without latents all samples are equal
        found = {
            f"{prefix}/log_px": evidence.log_px[:kept],
            f"{prefix}/log_weight": evidence.log_weight[:kept],
            f"{prefix}/elbo": evidence.elbo[:kept],
            f"{prefix}/iw_nll": importance_nll(evidence.log_weight),
            **named(f"{prefix}/aux", evidence.aux),
        }
        for name, code in evidence.latents.items():
            found |= named(f"{prefix}/latents/{name}", code_tensors(model, name, code))
        weights = [0.3 + 0.2 * n for n in range(len(model.latents))]
        losses = {
            "plain": loss_of(model, evidence, Trainer(), [1.0] * len(weights)),
            "weighted": loss_of(model, evidence, Trainer(free_bits=0.2), weights),
        }
        for name, loss in losses.items():
            found[f"{prefix}/loss/{name}"] = loss
            found |= named(f"{prefix}/gradients/{name}", gradients(model, loss))
        if training:
            return found | named(f"{prefix}/after", model.state_dict())
        return found | self.given_latents(model, batch, evidence)

    def given_latents(self, model: Any, batch: Any, evidence: Any) -> Numbers:
        """log p(x|z) at given z (without another commit's: its own), and what the prior makes."""
        own = {name: code.z for name, code in evidence.latents.items()}
        z = {name: self.given.get(f"evidence/latents/{name}/z", each) for name, each in own.items()}
        noise = self.noise(1, batch.index, range(SAMPLES))
        drawn = prior_of(model, noise)
        kept = SAMPLES if model.latents else 1
        return {
            "given z/log_px": log_px_of(model, batch, z, noise)[:kept],
            **named("prior/z", drawn),
            "prior/log_px": log_px_of(
                model, batch, {name: each.double() for name, each in drawn.items()}, noise
            )[:kept],
        }

    def evaluation(self) -> Numbers:
        """The record of an evaluation: bounds, active units, mutual information, shuffle."""
        record = evaluate(
            self.model(),
            self.split,
            seed=0,
            samples=3,
            batch_tokens=4096,
            device=torch.device("cpu"),
        )
        record = getattr(record, "results", record)
        numbers = vars(record) if ONE_INTERFACE else record
        return {f"evaluation/{name}": value for name, value in flat(numbers).items()}

    def training(self, dtype: torch.dtype) -> Numbers:
        """Weights after three steps of the training loop, with dropout, and the metrics it wrote.

        Clipping is for float32 only: the fused optimizer takes no other scale.
        """
        model = self.model(dropout=0.2).to(dtype)
        options = dict(TRAINER, clip=1.0 if dtype == torch.float32 else 0.0)
        options["word_dropout"] = 0.3 if model.reads_inputs else 0.0
        frames = [each for each in self.sequences if isinstance(each, np.ndarray)]
        kind = np.float64 if dtype == torch.float64 else np.float32
        sequences = [each.astype(kind) for each in frames] or self.sequences
        splits = {"train": Split.of(sequences * 2), "valid": Split.of(sequences)}
        with tempfile.TemporaryDirectory() as folder:
            torch.manual_seed(1)
            training = Training(
                Trainer(**options), model, splits, Path(folder), torch.device("cpu"), seed=0
            )
            training.fit()
            lines = [
                json.loads(line) for path in Path(folder).glob("*.jsonl") for line in path.open()
            ]
        prefix = f"trained {str(dtype).removeprefix('torch.')}"
        found = named(f"{prefix}/weights", model.state_dict())
        for n, line in enumerate(lines):
            timed = ("seconds", "crc32")  # the checksum is also of the seconds
            numbers = {name: value for name, value in line.items() if name not in timed}
            found |= {f"{prefix}/metrics/{n}/{key}": each for key, each in flat(numbers).items()}
        return found

    def noise(self, seed: int, index: Tensor, samples: range, dtype: Any = None) -> Any:
        """Keyed noise in float64 that records what it draws, or repeats what is given."""
        return recorder(self.draws, self.given, len(self.split))(seed, index, samples)

    @contextmanager
    def recorded_draws(self) -> Iterator[None]:
        """Makes the evaluation's keyed noise that of ``noise``."""
        patched = [
            module
            for name, module in list(sys.modules.items())
            if name.startswith("vaetext.")
            and getattr(module, "KeyedNoise", None) is KeyedNoise
            and name != KeyedNoise.__module__
        ]
        for module in patched:
            module.KeyedNoise = self.noise  # type: ignore[attr-defined]
        try:
            yield
        finally:
            for module in patched:
                module.KeyedNoise = KeyedNoise  # type: ignore[attr-defined]


def recorder(draws: Numbers, given: Numbers, sequences: int) -> Any:
    """A KeyedNoise that keeps its draws [K, N, ...] for all N sequences, or the given ones."""

    class Recorder(KeyedNoise):  # type: ignore[misc, valid-type]
        def __init__(self, seed: int, index: Tensor, samples: range, name: str = "") -> None:
            super().__init__(seed, index, samples, torch.float64)
            self.numbers = samples
            self.index = index
            self.seed = seed
            self.name = name

        def at(self, name: str, step: Any = None) -> Any:
            path = f"{self.name}.{name}" if self.name else name
            return Recorder(self.seed, self.index, self.numbers, path)

        def normal(self, *arguments: Any) -> Any:
            return self.draw("normal", *self.named(*arguments))

        def uniform(self, *arguments: Any) -> Any:
            return self.draw("uniform", *self.named(*arguments))

        def named(self, *arguments: Any) -> tuple[Any, ...]:
            """The name and the shape of what is drawn; older noise takes both as arguments."""
            return (self.name, *arguments) if ONE_INTERFACE else arguments

        def draw(self, kind: str, name: str, *shape: int) -> Any:
            key = f"draws/{name}/{self.seed}/{kind}/{'x'.join(map(str, shape))}"
            if key not in draws:
                draws[key] = given[key] if key in given else self.whole(kind, name, *shape)
            samples = torch.arange(self.numbers.start, self.numbers.stop)
            return draws[key][samples[:, None], self.index]

        def whole(self, kind: str, name: str, *shape: int) -> Any:
            """The draws of all sequences and samples."""
            noise = KeyedNoise(self.seed, torch.arange(sequences), range(SAMPLES), torch.float64)
            if not ONE_INTERFACE:
                return getattr(noise, kind)(name, *shape)
            for part in name.split("."):
                noise = noise.at(part)
            return getattr(noise, kind)(*shape)

    return Recorder


def code_tensors(model: Any, name: str, code: Any) -> Numbers:
    """A latent's sample, posterior, densities and KL; what it lacks is left out."""
    parts = ("z", "mean", "std", "log_q", "log_p", "kl", "total_kl", "prior_mean")
    found = {part: each for part in parts if (each := getattr(code, part, None)) is not None}
    if ONE_INTERFACE:
        latent = next(each for each in model.latents if each.name == name)
        if not latent.discrete:
            found["mean"] = code.q.mean.expand_as(code.z)
        if not latent.q_given and not latent.discrete:
            found["std"] = code.q.std.expand_as(code.z)
        if latent.p_given:
            found["prior_mean"] = code.p.mean.expand_as(code.z)
    return found


def gradients(model: Any, loss: Tensor) -> Numbers:
    parameters = dict(model.named_parameters())
    found = torch.autograd.grad(
        loss, list(parameters.values()), retain_graph=True, allow_unused=True
    )
    return {name: each for name, each in zip(parameters, found, strict=True) if each is not None}


def named(prefix: str, tensors: Any) -> Numbers:
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def flat(record: Any, prefix: str = "") -> Numbers:
    """The numbers of a nested record; nulls and texts have no elements, but a name."""
    found: Numbers = {}
    for name, value in record.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{name}/")
        elif isinstance(value, (int, float)):
            found[prefix + name] = torch.tensor(float(value), dtype=torch.float64)
        else:
            found[f"{prefix}{name}={value}"] = torch.empty(0)
    return found


if __name__ == "__main__":
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    main(*sys.argv[1:])
