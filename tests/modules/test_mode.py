"""Modules as in training and as in evaluation."""

from torch import nn

from vaetext.modules.mode import evaluation


def test_each_module_is_as_it_was_after_evaluation() -> None:
    module = nn.Sequential(nn.Dropout(), nn.Sequential(nn.Dropout())).train()
    module[0].eval()
    modes = [each.training for each in module.modules()]
    with evaluation(module):
        assert not any(each.training for each in module.modules())
    assert [each.training for each in module.modules()] == modes == [True, False, True, True]
