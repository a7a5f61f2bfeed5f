"""How many processes train a run, and which one this is."""

import torch

from vaetext.config.trainer import Trainer
from vaetext.parallel.outside import outside
from vaetext.parallel.ranks import ALONE, Ranks, connect
from vaetext.runs.device import choose

_connected: list[Ranks] = []  # processes started outside meet once, however many runs they train


def ranks_outside(config: Trainer) -> Ranks:
    """The processes that torchrun or the like has started; this one alone where there is none.

    Raises:
        ValueError: ``trainer.devices`` asks for another number of them, or the device is missing.
    """
    place = outside()
    if place is None:
        return ALONE
    if config.devices not in ("auto", "1", str(place.size)):
        raise ValueError(
            f"trainer.devices={config.devices}: WORLD_SIZE={place.size} processes are started"
            " already; leave trainer.devices out"
        )
    _check_batch(config, place.size)
    if not _connected:
        device = device_of(config, place.size, place.local)
        _connected.append(connect(place.rank, place.size, place.local, "env://", device))
    return _connected[0]


def processes(config: Trainer) -> int:
    """How many processes ``trainer.devices`` asks for.

    Raises:
        ValueError: there are fewer GPUs, or fewer sequences in a batch.
    """
    gpus = torch.cuda.device_count() if config.device != "cpu" else 0
    if config.devices == "auto":
        return max(gpus, 1) if config.device in ("auto", "cuda") else 1
    count = int(config.devices)
    if count == 1:
        return 1
    device_of(config, count, 0)
    if gpus and count > gpus:
        raise ValueError(
            f"trainer.devices={count}: this machine has {gpus} GPUs; set trainer.devices=auto, or"
            " trainer.device=cpu for processes on the CPU"
        )
    _check_batch(config, count)
    return count


def device_of(config: Trainer, count: int, local: int) -> torch.device:
    """The device of the process ``local`` of this machine, of ``count`` in all.

    Raises:
        ValueError: the option names a single GPU for several processes, or there is no such GPU.
    """
    device = choose(config.device)
    if count == 1:
        return device
    if config.device.startswith("cuda:"):
        raise ValueError(
            f"trainer.device={config.device} is one GPU for {count} processes; set"
            " trainer.device=cuda, or trainer.devices=1"
        )
    if device.type == "cpu":
        return device
    found = choose(f"cuda:{local}")
    torch.cuda.set_device(found)
    return found


def _check_batch(config: Trainer, count: int) -> None:
    if config.batch_size < count:
        raise ValueError(
            f"trainer.batch_size={config.batch_size}: {count} processes share each batch (it is the"
            f" size of all of it); set trainer.batch_size={count} or more, or trainer.devices=1"
        )
