"""What ``results.json`` holds."""

from vaetext.evaluation.results import RunResults, SplitResults


def test_splits_are_beside_the_rest_by_their_names() -> None:
    numbers = dict.fromkeys(SplitResults.__dataclass_fields__, None)
    split = SplitResults(**{**numbers, "rec": 3.0, "kl": {"z": 1.0}})  # type: ignore[arg-type]
    run = RunResults("vrae", "ptb", "paper", 7, 100, 2, {"valid": split, "test": split})
    record = run.to_json()
    assert set(record) == {*RunResults.__dataclass_fields__, "valid", "test"} - {"splits"}
    assert record["model"] == "vrae"
    assert record["valid"] == record["test"]
    assert record["test"]["kl"] == {"z": 1.0}
