"""What a process draws and adds up of a batch, without the other processes."""

import pytest
import torch
from torch import Tensor

from vaetext.data.batch import Batch
from vaetext.data.domain import Symbols
from vaetext.distributions.noise import FreshNoise
from vaetext.modules.dropout import Dropout
from vaetext.parallel.ranks import ALONE, Ranks
from vaetext.parallel.share import Share, drawn, mean, sharing, size, total

CPU = torch.device("cpu")


class Silent(Ranks):
    """One of several processes, of which the others have nothing."""

    def total(self, own: Tensor) -> Tensor:
        return own.detach().clone()


@pytest.mark.parametrize("ranks", [2, 3, 8])
@pytest.mark.parametrize("rows", [1, 5, 16])
def test_every_row_counts_in_one_process(ranks: int, rows: int) -> None:
    shares = [Share(Ranks(rank, ranks), rows) for rank in range(ranks)]
    counted = [row for each in shares for row in range(rows)[each.rows] if each.count]
    assert counted == list(range(rows))
    assert all(len(range(rows)[each.rows]) == each.length for each in shares)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_draws_what_its_rows_have_in_the_whole_batch(rank: int) -> None:
    torch.manual_seed(0)
    whole = FreshNoise(3, 5, CPU).normal(2)
    mask = Dropout(0.5)(torch.ones(3 * 5, 4, 2)).unflatten(0, (3, 5))
    after = torch.get_rng_state()
    torch.manual_seed(0)
    with sharing(Silent(rank, 2), 5) as share:
        assert share is not None
        torch.testing.assert_close(FreshNoise(3, share.length, CPU).normal(2), whole[:, share.rows])
        ours = Dropout(0.5)(torch.ones(3 * share.length, 4, 2)).unflatten(0, (3, -1))
        torch.testing.assert_close(ours, mask[:, share.rows])
    assert torch.equal(torch.get_rng_state(), after)


def test_alone_nothing_changes() -> None:
    with sharing(ALONE, 4) as share:
        assert share is None
        terms = torch.arange(4.0)
        assert mean(terms) == terms.mean() and total(terms) is terms and size(4) == 4
        assert drawn(torch.ones, (4, 2)).shape == (4, 2)


def test_a_process_without_a_row_counts_nothing_and_has_no_gradient() -> None:
    terms = torch.ones(1, requires_grad=True)
    with sharing(Silent(0, 2), 1) as share:
        assert share is not None and share.count == 0 and share.length == 1
        loss = mean(terms) + total(3 * terms.sum())
    loss.backward()
    assert loss == 0 and terms.grad == 0


def test_rows_of_a_batch_keep_its_padding() -> None:
    x = torch.tensor([[2, 1, 1], [2, 3, 1]])
    whole = Batch(x, torch.tensor([2, 3]), torch.tensor([7, 8]), Symbols(5, 1, 0, 3))
    part = whole.rows(slice(0, 1))
    assert part.x.tolist() == [[2, 1, 1]] and part.lengths.tolist() == [2]
    assert part.index.tolist() == [7] and part.real_indices.tolist() == [0, 1]
