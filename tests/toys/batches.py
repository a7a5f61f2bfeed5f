"""Random batches of every kind of data, with padding."""

import torch

from vaetext.data.batch import Batch
from vaetext.data.domain import Binary, Domain, Symbols


def batch_of(domain: Domain, rows: int = 4, steps: int = 6, padding: int = 0) -> Batch:
    """Random sequences of lengths from 2 to ``steps``."""
    generator = torch.Generator().manual_seed(1)
    lengths = torch.randint(2, steps + 1, (rows,), generator=generator)
    lengths[0] = steps
    real = torch.arange(steps) < lengths[:, None]
    if isinstance(domain, Symbols):
        x = torch.randint(1, domain.size, (rows, steps), generator=generator)
        x = x.masked_fill(torch.arange(steps) >= lengths[:, None] - 1, domain.eos)
        return Batch(torch.nn.functional.pad(x, (0, padding)), lengths, torch.arange(rows), domain)
    x = torch.randn(rows, steps, domain.size, generator=generator)
    x = (x > 0).double() if isinstance(domain, Binary) else x
    x = torch.nn.functional.pad(x * real[..., None], (0, 0, 0, padding))
    return Batch(x, lengths, torch.arange(rows), domain)
