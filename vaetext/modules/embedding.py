"""The first layer of a network: a table of tokens, or a linear map of frames."""

from torch import nn

from vaetext.data.domain import Domain, Frames


def embedding(domain: Domain, features: int, start: bool = False) -> nn.Module:
    """A layer from tokens [...] or frames [..., F] to [..., features].

    Args:
        domain: what is read.
        features: of each step.
        start: whether the table has a row for BOS, which is fed to a decoder first.
    """
    if isinstance(domain, Frames):
        return nn.Linear(domain.size, features)
    return nn.Embedding(domain.size + start, features)
