"""Options of topicrnn; their values are in ``conf/model/topicrnn.yaml``."""

from dataclasses import dataclass

from vaetext.config.model import CELLS, Recurrent
from vaetext.config.options import option


@dataclass
class TopicRNN(Recurrent):
    """Recurrent language model whose words, but for stop words, depend on a document's topics."""

    cell: str = option("gru", "recurrent cell; rnn: a tanh without gates", choices=CELLS)
    disjoint: bool = option(
        True,
        "the switch decides whether a word is a stop word or not; false: both values of it allow"
        " every word, as in the source",
    )
    topics: int = option(50, "dimensions of theta", min=1)
    encoder_dim: int = option(200, "units of each layer of the net that reads the counts", min=1)
    encoder_layers: int = option(2, "ReLU layers of that net", min=1)
