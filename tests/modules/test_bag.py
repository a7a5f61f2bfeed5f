"""A bag of words: what it computes, and what it does not see."""

import torch

from vaetext.data.domain import Symbols
from vaetext.modules.encoder import BagEncoder


def encoder() -> BagEncoder:
    torch.manual_seed(0)
    return BagEncoder(Symbols(9, 1, 0, 20), 4, 5).double()


def test_it_is_a_net_over_the_share_of_each_word() -> None:
    bag = encoder()
    x = torch.tensor([[2, 3, 3, 8], [4, 5, 1, 1]])
    mask = torch.tensor([[True] * 4, [True, True, False, False]])
    counts = torch.zeros(2, 9, dtype=torch.float64)
    for row, words in enumerate(([2, 3, 3, 8], [4, 5])):
        for word in words:
            counts[row, word] += 1
    shares = counts / counts.sum(1, keepdim=True)
    assert isinstance(bag.embedding, torch.nn.Embedding)
    expected = bag.layers(shares @ bag.embedding.weight)
    torch.testing.assert_close(bag.read(bag.embedding(x), mask), expected)


def test_the_order_of_words_changes_nothing_and_no_words_are_zeros() -> None:
    bag = encoder()
    x = torch.tensor([[2, 3, 7], [7, 2, 3]])
    one, other = bag.read(bag.embedding(x))
    torch.testing.assert_close(one, other)
    empty = bag.read(bag.embedding(x), torch.zeros(2, 3, dtype=torch.bool))
    torch.testing.assert_close(empty, bag.layers(torch.zeros(2, 4, dtype=torch.float64)))
