"""A mistake ends in one message, which says what is wrong and what would be right."""

from pathlib import Path

import pytest
from command_line import run_cli, run_cli_apart

from vaetext.config.errors import explain

WRONG = {
    "trian": "unknown command 'trian'; choose from train, resume, evaluate, sample, reconstruct, "
    "encode, interpolate, tables, data, reproduce; did you mean 'train'?",
    # a group
    "train model=vrea": "model=vrea: no such option; choose from cnn, hvrae, hybrid-cnn, "
    "latent-seq, lcnnvae, lrnnvae, lvae, mnist-vae, rnn, rnnlm, srnn, topicrnn, vrae, vrnn; did "
    "you mean 'vrae'?",
    "train data=": "data=: no such option; choose from 20news, clauses, frames, grammar",
    "train trainer=fsat": "did you mean 'fast'?",
    "train experiment=ptb/vra": "did you mean 'ptb/vrae'?",
    "train experiment=ptb-vrae": "experiment=ptb-vrae: no such option; choose from ",
    "train model=null": "a config group takes the name of one of its options",
    "train trainer=5": "a config group takes the name of one of its options",
    "train model=[vrae,rnnlm]": "a config group takes the name of one of its options",
    "train data=[ptb,grammar]": "a config group takes the name of one of its options",
    "train model=vrae,rnnlm": "model=vrae,rnnlm: add -m to run each value",
    "train -m hydra/sweeper=optuna seed=1,2": (
        "hydra/sweeper=optuna: not installed; pip install hydra-optuna-sweeper"
    ),
    "train hydra/launcher=nope": "hydra/launcher=nope: no such option; choose from basic",
    "train table=ptb": "table=...: unknown option; --help lists all options",
    "data gramar": "did you mean 'grammar'?",
    # a key
    "train modle=vrae": "modle: `vaetext train` has no such option; did you mean 'model'?",
    "train model.latent_dmi=3": "vrae has no such option; did you mean 'latent_dim'?",
    "train model=rnnlm model.latent=feature-map": "model.latent: rnnlm has no such option; "
    "cnn, hybrid-cnn, lcnnvae, lrnnvae, vrae have it",
    "train +sede=1": "sede: no such option; did you mean 'seed'?",
    "train ~trainer.lr": "~trainer.lr: an option cannot be removed; give it a value",
    # a value
    "train model.cell=lst": "model.cell='lst': choose from lstm, gru; did you mean 'lstm'?",
    "train trainer.epochs=abc": "trainer.epochs=abc: must be an integer",
    "train trainer.lr=fast": "trainer.lr=fast: must be a number",
    "train trainer.lr_scales.encoder=low": "trainer.lr_scales.encoder=low: must be a number",
    "train debug=maybe": "debug=maybe: must be true or false",
    "train model.name=[1]": "model.name=[1]: must be text",
    "train trainer.halve_at=5": "trainer.halve_at: must be a list; write trainer.halve_at=[...]",
    "train trainer.halve_at={a:1}": "trainer.halve_at: must be a list",
    "train trainer.halve_at=[a]": "trainer.halve_at[0]=a: must be an integer",
    "train trainer.halve_at=null": "trainer.halve_at=null: must have a value",
    "train seed={": "seed={: not readable as key=value",
    "train seed=${x}": "seed: ${x} refers to no option",
    "train outputs=${oc.env:NOPE}": "outputs: Environment variable 'NOPE' not found",
    "train outputs=": "outputs='' is not a folder",
    "train model.latent_dim=0": "model.latent_dim=0 is out of range: it must be at least 1",
    "train trainer.betas=[0.9,nan]": "trainer.betas=[0.9, nan] is out of range: it must be finite",
    "train model=cnn model.max_length=5 data=sine": "model.max_length=5: a sequence of sine "
    "(train) has 17 tokens with EOS",
    "train model=cnn data=sine trainer.word_dropout=0.1": "trainer.word_dropout=0.1: cnn's decoder "
    "takes no token inputs; set trainer.word_dropout=0",
    # operands
    "train ptb": "`vaetext train` does not take the argument 'ptb'; options are given as key=value",
    "train seed=1 ptb": "'ptb' is neither a flag nor key=value",
    "interpolate . a=b c": "'c' is neither a flag nor key=value; arguments without a key come "
    "first, and a value with spaces needs quotes; a sentence that contains = is given as",
    "interpolate . -dog": "a sentence that begins with a dash is given as \"a='-...'\"",
    "interpolate . cat a=dog": "a is given twice",
    "interpolate . ~dog cat": "is not a run folder",
    "sample . run=there": "run is given twice",
    "evaluate": "`vaetext evaluate` needs the folder of a run: vaetext evaluate RUN",
    "tables": "`vaetext tables` needs the folder of a run",
    "evaluate nothing": "run=nothing does not exist",
    "evaluate .": "run=. is not a run folder (no .hydra/config.yaml)",
    "resume nothing trainer.epochs=3": "run=nothing does not exist",
    "resume . trainer=paper": "changes single options of the trainer, as in trainer.epochs=30",
    "resume . +trainer=paper": "changes single options of the trainer",
    "sample . temperature=-1": "temperature=-1.0 is out of range: it must be at least 0",
    # flags
    "train --xyz": "unknown flag --xyz; `vaetext train --help` lists all flags",
    "train --multirn": "did you mean '--multirun'?",
    "train --cfg": "--cfg needs a value after it, as in --cfg job",
    "train --cfg jbo": "--cfg jbo: unknown value; choose from job, hydra, all",
    "train --config-dir nowhere": "nowhere",
}


@pytest.mark.parametrize("line", WRONG)
def test_a_mistake_ends_in_one_message(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run_cli(line)
    assert done.status == 1
    assert done.error.startswith("error: ")
    assert WRONG[line] in done.error
    assert done.error.count("\n") == 1
    assert done.output == ""
    assert list(tmp_path.iterdir()) == []


OWN_FILE = {
    "defaults: [defalt, _self_]": "trainer/mine.yaml: its defaults name trainer/defalt.yaml, which "
    "does not exist; did you mean 'default'?",
    "- a": "trainer/mine.yaml: it contains a list instead of options, written as key: value",
    "defaults: [default, _self_]\nlr: ${nope.x}": "trainer.lr: ${nope.x} refers to no option; "
    "write a full name",
    "defaults: [default, _self_]\nlr: ${nope:x}": "trainer.lr: ${nope:x} is unknown",
    "defaults: [default, _self_]\nlr: fast": "trainer/mine.yaml: trainer.lr=fast: must be a number",
    "defaults: [default, _self_]\nlrr: 0.5": "trainer/mine.yaml: trainer.lrr: trainer has no such "
    "option; did you mean 'lr'?",
    "# caf\udce9\nlr: 1": "a configuration file is not UTF-8 text, near b'# caf\\xe9\\nlr: 1'",
    "lr: [0.5\nclip: 1\n": "conf/trainer/mine.yaml, line 2: not valid YAML: expected ',' or ']'",
}


@pytest.mark.parametrize("text", OWN_FILE)
def test_a_mistake_in_an_own_file_names_the_file(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf/trainer").mkdir(parents=True)
    (tmp_path / "conf/trainer/mine.yaml").write_bytes(text.encode(errors="surrogateescape"))
    done = run_cli("train --config-dir conf trainer=mine")
    assert done.status == 1
    assert OWN_FILE[text] in done.error
    assert done.error.count("\n") == 1
    assert [each.name for each in tmp_path.iterdir()] == ["conf"]


class OutOfMemoryError(RuntimeError):
    """Has the name of torch's."""


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"
        ),
        OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nException raised from ..."),
        MemoryError("Unable to allocate 9 GiB for an array"),
        MemoryError(),
    ],
)
def test_too_little_memory_has_a_remedy(error: Exception) -> None:
    message = explain(error)
    assert message.startswith(
        f"not enough memory ({str(error).splitlines()[0] if str(error) else ''}"
    )
    assert message.endswith("; try a smaller trainer.batch_size, model or data.max_length")
    assert "\n" not in message


def test_an_error_of_the_file_system_has_a_remedy() -> None:
    assert explain(PermissionError(13, "Permission denied", "a/b")) == (
        "a/b: Permission denied; hydra.run.dir=FOLDER chooses another folder to write to"
    )
    assert explain(OSError(28, "No space left on device", "a")) == (
        "a: No space left on device; free some space and try again (continue a run with"
        " `vaetext resume RUN`)"
    )


def test_output_that_cannot_be_encoded_has_a_remedy() -> None:
    error = UnicodeEncodeError("ascii", "né", 1, 2, "not in range")
    assert "set PYTHONIOENCODING=utf-8" in explain(error)


def test_an_unexpected_error_says_how_to_see_its_traceback() -> None:
    assert explain(TypeError("no")).startswith("TypeError: no (this is an error in vaetext;")


def test_a_log_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    (tmp_path / "train.log").mkdir()
    done = run_cli("train", f"hydra.run.dir={tmp_path}")
    assert done.status == 1
    assert f"error: {tmp_path}/train.log: Is a directory" in done.error


def test_a_traceback_is_shown_on_request(tmp_path: Path) -> None:
    asked = run_cli_apart("evaluate", "nothing", "debug=true", folder=tmp_path)
    assert asked.status == 1
    assert "Traceback" in asked.error
    environment = {"HYDRA_FULL_ERROR": "1"}
    asked = run_cli_apart("trian", folder=tmp_path, environment=environment)
    assert asked.status == 1
    assert "Traceback" in asked.error
