"""The weights of another run, from which training starts (``trainer.init_from``)."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vaetext.config.model import Model
from vaetext.config.train import TrainConfig
from vaetext.data.corpora import Corpus
from vaetext.data.format import Format
from vaetext.data.tokenizer import Tokenizer
from vaetext.models.base import SequenceModel
from vaetext.models.registry import build
from vaetext.runs import checkpoint
from vaetext.runs.corpus import read_domain, read_format
from vaetext.runs.folder import load_config
from vaetext.runs.layout import BEST, LAST
from vaetext.training.modules import check_module, of_modules

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rows:
    """The tokens that two vocabularies share: ``here[n]`` and ``there[n]`` are ids of the same one.

    Attributes:
        here, there: [N] int64; the last is BOS, an id after all others.
        size: V of the vocabulary here.
    """

    here: Tensor
    there: Tensor
    size: int


def start_from(model: SequenceModel, config: TrainConfig, corpus: Corpus) -> None:
    """Puts the weights of the run ``trainer.init_from`` into a model that was just initialised.

    A weight is taken where it has the same name and shape. Of one that has a row for each token
    (an embedding, an output layer) the rows of tokens that both vocabularies have are taken, BOS
    and EOS among them. Everything else stays as it was initialised; the log says what.

    Raises:
        ValueError: the run or its checkpoint cannot be read, its data is of another kind, no weight
            fits, or ``trainer.init_modules`` names a module that one of the models lacks.
    """
    trainer = config.trainer
    folder = Path(str(trainer.init_from))
    option = f"trainer.init_from={folder}"
    try:
        other = load_config(folder)
    except ValueError as error:
        raise ValueError(
            f"trainer.init_from: {error}; where an experiment names it, train it first: the"
            " experiment's file in conf/ gives the command"
        ) from error
    source = folder / (LAST if trainer.init_checkpoint == "last" else BEST)
    device = next(model.parameters()).device
    groups, _ = checkpoint.load(source, device)
    given = groups.get("model", {})
    here, there = corpus.domain, read_domain(folder)
    if here.kind != there.kind:
        raise ValueError(
            f"{option}: it was trained on data of kind {there.kind}, and this is of kind"
            f" {here.kind}; name a run on data of the same kind"
        )
    own = model.state_dict()
    wanted = _of_modules(own, given, trainer.init_modules, option)
    rows = _shared_rows(corpus.format, read_format(folder))
    axes = (_token_axes(config.model, here), _token_axes(other.model, there)) if rows else ({}, {})
    taken = [name for name in wanted if _take(name, own[name], given.get(name), rows, *axes)]
    if not taken:
        raise ValueError(
            f"{option}: none of its weights has a name and shape of model={config.model.name};"
            " name a run of a model of these sizes"
        )
    fresh = [name for name in own if name not in taken]
    known = f"; {len(rows.here) - 1:,} of {rows.size:,} tokens are known" if rows else ""
    left = f", not {', '.join(fresh)}" if fresh else ""
    log.info("%s: %d of %d weights are taken%s%s", option, len(taken), len(own), left, known)


def _of_modules(
    own: dict[str, Any], given: dict[str, Any], modules: list[str], option: str
) -> list[str]:
    """The names of the weights in ``modules``; of all where none is named."""
    for module in modules:
        for names, whose in ((own, "this model"), (given, option.partition("=")[2])):
            check_module(module, names, f"trainer.init_modules={modules}: {whose}")
    return of_modules(own, modules)


def _shared_rows(here: Format, there: Format) -> Rows | None:
    """The tokens of both vocabularies; None where every row is of the same token in both."""
    if not isinstance(here, Tokenizer) or not isinstance(there, Tokenizer) or here == there:
        return None
    ids = {piece: n for n, piece in enumerate(there.pieces)}
    common = [(n, ids[piece]) for n, piece in enumerate(here.pieces) if piece in ids]
    pairs = torch.tensor([*common, (here.size, there.size)])
    return Rows(pairs[:, 0], pairs[:, 1], here.size)


def _token_axes(config: Model, domain: Any) -> dict[str, int]:
    """Name -> axis of each weight that has a row for each token: that one more token changes."""
    with torch.random.fork_rng(devices=[]):
        small = build(config, domain).state_dict()
        large = build(config, replace(domain, size=domain.size + 1)).state_dict()
    return {
        name: axis
        for name, tensor in small.items()
        for axis in range(tensor.dim())
        if large[name].shape[axis] == tensor.shape[axis] + 1
    }


def _take(
    name: str,
    own: Tensor,
    given: Tensor | None,
    rows: Rows | None,
    here: dict[str, int],
    there: dict[str, int],
) -> bool:
    """Copies what fits of ``given`` into ``own``; whether anything does.

    Args:
        here, there: as ``_token_axes`` gives them, of the two models.
    """
    if given is None or own.dim() != given.dim() or here.get(name) != there.get(name):
        return False
    axis = here.get(name)
    if rows is None or axis is None:
        if own.shape != given.shape:
            return False
        own.copy_(given)
        return True
    mine, theirs = own.movedim(axis, 0), given.movedim(axis, 0)
    if mine.shape[1:] != theirs.shape[1:]:
        return False
    present = (rows.here < len(mine)) & (rows.there < len(theirs))  # an output layer has no BOS
    mine[rows.here[present].to(own.device)] = theirs[rows.there[present].to(own.device)]
    return True
