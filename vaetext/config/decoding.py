"""How tokens, or frames, are chosen from p(x_t | x_<t, z)."""

from dataclasses import dataclass
from typing import TypedDict, cast

from vaetext.config.options import Checked, option

PARTICLES = 100  # K for each sequence that continues a prefix
GREEDY_HELP = "take the most probable token at each step (for frames: the mean); false samples"


class Decoding(TypedDict, total=False):
    """The options of decoding as keywords of the Python interface; their meaning is below."""

    greedy: bool
    beam: int
    temperature: float
    top_k: int
    top_p: float
    max_length: int


@dataclass
class DecodingOptions(Checked):
    """The options of decoding. By default it samples."""

    greedy: bool = option(False, GREEDY_HELP)
    beam: int = option(
        0,
        "width of a beam search for the most probable sequence, by its whole log-probability"
        " (no length normalisation) and never below the greedy one's; 0 turns it off",
        min=0,
    )
    temperature: float = option(
        1.0,
        "when sampling: divides the logits (for frames: multiplies the standard deviation); 0 is"
        " greedy=true",
        min=0.0,
        max=1e6,
    )
    top_k: int = option(
        0, "when sampling: choose among the k most probable tokens; 0 among all", min=0
    )
    top_p: float = option(
        1.0,
        "when sampling: choose among the most probable tokens that together have this probability",
        above=0.0,
        max=1.0,
    )
    max_length: int = option(
        0,
        "longest sequence generated; 0: 100 tokens, or as many frames as the longest in the data up"
        " to 400, after the prefix if there is one",
        min=0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.samples:
            return
        for name, unused in {"temperature": 1.0, "top_k": 0, "top_p": 1.0}.items():
            is_greedy = name == "temperature" and self.temperature == 0 and not self.beam
            if getattr(self, name) != unused and not is_greedy:
                raise ValueError(self._only_when_sampling(name))

    @property
    def samples(self) -> bool:
        """Whether tokens are drawn; otherwise the most probable ones are searched for."""
        return not (self.greedy or self.beam or self.temperature == 0)

    @property
    def decoding(self) -> Decoding:
        """These options alone, as keywords."""
        return cast(Decoding, {name: getattr(self, name) for name in Decoding.__annotations__})

    def _only_when_sampling(self, name: str) -> str:
        if self.beam:
            chosen, remedy = f"beam={self.beam}", "beam=0 greedy=false"
        elif self.greedy:
            chosen, remedy = "greedy=true", "greedy=false"
        else:
            chosen, remedy = "temperature=0", "temperature=1"
        return (
            f"{name}={getattr(self, name)} has no effect with {chosen}, which samples nothing;"
            f" set {remedy}"
        )
