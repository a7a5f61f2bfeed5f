"""What a network reads: symbols by a table, frames by a linear map."""

from torch import nn

from vaetext.data.domain import Domain, Frames


def embedding(domain: Domain, features: int, start: bool = False) -> nn.Module:
    """Symbols [...] or frames [..., F] -> [..., features].

    Args:
        domain: what is read.
        features: of each step.
        start: whether the symbol that starts a decoder has a row too.
    """
    if isinstance(domain, Frames):
        return nn.Linear(domain.size, features)
    return nn.Embedding(domain.size + start, features)
