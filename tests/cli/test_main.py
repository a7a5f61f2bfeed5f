"""The command line: operands, flags, help, errors, sweeps."""

import operator
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from vaetext.cli import main as cli
from vaetext.cli.arguments import split, sweep_name
from vaetext.config.errors import explain
from vaetext.config.quoting import quote
from vaetext.config.verbs import VERBS
from vaetext.report.output import output_folder

SENTENCES = [
    "the company said it 's <unk> of $ N million",
    'it\'s a "test"',
    "a = b, c: [d] {e}",
    "back\\slash \\' at the end\\",
    "${oc.env:HOME} \\${x} \\\\${y}",
    "-lrb- it -rrb- (100%) #1 ; & | * ?",
    "",
    " ",
    "null",
    "12",
    "é 中 \t tab",
]


def read(override: str) -> Any:
    """What a task sees for one override."""
    parsed = OverridesParser.create().parse_override(override)
    return OmegaConf.create({"value": parsed.value()}).value


def letters() -> list[str]:
    draw = random.Random(0)
    return ["".join(draw.choices("\\'\"${}=:, ab", k=draw.randint(1, 8))) for _ in range(500)]


@pytest.mark.parametrize("text", SENTENCES)
def test_operands_survive_to_the_letter(text: str) -> None:
    assert read(f"a={quote(text)}") == text


def test_any_mix_of_special_letters_survives() -> None:
    for text in letters():
        assert read(f"a={quote(text)}") == text, text
        assert list(read(f"a=[{quote(text)},{quote('b')}]")) == [text, "b"], text


def test_operands_become_overrides() -> None:
    assert split("interpolate", ["run", "a b", "it's", "steps=3"]) == (
        [],
        ["run='run'", "a='a b'", "b='it\\'s'", "steps=3"],
    )
    assert split("tables", ["x", "y", "format=csv"]) == ([], ["runs=['x','y']", "format=csv"])
    assert split("data", ["ptb", "examples=0"]) == ([], ["data=ptb", "examples=0"])
    assert split("interpolate", ["run", "a b", "b='x=1 y'"]) == (
        [],
        ["run='run'", "a='a b'", "b='x=1 y'"],
    )
    assert split("resume", ["x", "trainer.epochs=3"]) == ([], ["run='x'", "++trainer.epochs=3"])


def test_an_existing_path_is_an_operand_whatever_it_looks_like(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "seed=1").mkdir()
    assert split("evaluate", ["seed=1", "seed=2"]) == ([], ["run='seed=1'", "seed=2"])


def test_flags_may_stand_anywhere() -> None:
    assert split(
        "train", ["seed=1", "-m", "--config-dir", "x=y", "~experiment", "--cfg", "job"]
    ) == (
        ["-m", "--config-dir", "x=y", "--cfg", "job"],
        ["seed=1", "~experiment"],
    )


def test_a_sweep_has_the_same_name_for_the_same_overrides() -> None:
    assert sweep_name(["seed=1,2"]) == sweep_name(["seed=1,2"]) != sweep_name(["seed=1-2"])
    assert "/" not in sweep_name(["data.root=/a/b"])


def vaetext(
    *arguments: str, folder: Path, **environment: str
) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "vaetext", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def run(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """The status of the command in this process."""
    monkeypatch.setattr(sys, "argv", ["vaetext", *arguments])
    try:
        cli.main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


WRONG = {
    "trian": "unknown command 'trian'; choose from train, resume, evaluate, sample, reconstruct, encode, interpolate, tables, data, reproduce; did you mean 'train'?",
    "train model=vrea": "did you mean 'vrae'?",
    "train data=gramar": "did you mean 'grammar'?",
    "train trainer=fsat": "did you mean 'fast'?",
    "train experiment=ptb/vra": "did you mean 'ptb/vrae'?",
    "train experiment=ptb-vrae": "experiment=ptb-vrae: no such option; choose from ptb/hvrae, ",
    "train model=null": "a config group takes the name of one of its options",
    "train trainer=5": "a config group takes the name of one of its options",
    "train model=[vrae,rnnlm]": "a config group takes the name of one of its options",
    "train data=": "data=: no such option; choose from grammar",
    "train modle=vrae": "did you mean 'model'?",
    "train model.latent_dmi=3": "did you mean 'latent_dim'?",
    "train model=rnnlm model.latent=feature-map": "rnnlm has no such option; vrae, cnn, hybrid-cnn, lcnnvae, lrnnvae have it",
    "train model=lvae model.latent=feature-map": "lvae has no such option; vrae, cnn, hybrid-cnn, lcnnvae, lrnnvae have it",
    "train model=hvrae model.latent=feature-map": "hvrae has no such option; vrae, cnn, hybrid-cnn, lcnnvae, lrnnvae have it",
    "train +sede=1": "did you mean 'seed'?",
    "train model.cell=lst": "did you mean 'lstm'?",
    "train trainer.epochs=abc": "trainer.epochs=abc",
    "train seed={": "seed={",
    "train model.latent_dim=0": "model.latent_dim=0 is out of range: it must be at least 1",
    "train model=hybrid-cnn model.alpha=-0.1": "model.alpha=-0.1 is out of range: it must be at least 0",
    "train model=cnn model.max_length=5 data=sine": "model.max_length=5: a sequence of sine (train) has 17 tokens with EOS",
    "train model.max_length=9": "model.max_length=9 has an effect with latent=feature-map only; set max_length=0",
    "train model.stride=4": "model.stride=4 has an effect with latent=feature-map only; set stride=8",
    "train model.latent=feature-map model.z_to=inputs": "model.z_to=inputs has an effect with latent=dense only; set z_to=state",
    "train model.latent=feature-map model.pooling=max": "model.pooling=max has an effect with latent=dense only; set pooling=final",
    "train model=hvrae model.max_length=9": "model.max_length=9 has an effect with local=sequence only; set max_length=0",
    "train model=lvae model.latent_dims=[3,2]": "give both lists the same length",
    "train model.dropout=1.5": "model.dropout=1.5",
    "train trainer.beta_max=-1": "trainer.beta_max=-1",
    "train trainer.batch_size=0": "trainer.batch_size=0",
    "train trainer.lr=nan": "trainer.lr=nan is out of range: it must be finite",
    "train trainer.checkpoint_minutes=inf": "trainer.checkpoint_minutes=inf is out of range: it must be finite",
    "train trainer.threads=1000000": "trainer.threads=1000000 is out of range: it must be at most 1024",
    "train data=text data.tokens=bpe data.min_count=2": "data.min_count=2: the vocabulary of tokens=bpe is chosen by vocab_size alone",
    "interpolate . a=b c": "'c' is neither a flag nor key=value; arguments without a key come first, and a value with spaces needs quotes; a sentence",
    "train seed=9223372036854775808": "seed=9223372036854775808 is out of range: it must be at most 9223372036854775807",
    "train trainer.halve_at=5": "trainer.halve_at: must be a list; write trainer.halve_at=[...]",
    "train trainer.halve_at={a:1}": "trainer.halve_at: must be a list",
    "train trainer.halve_at=null": "trainer.halve_at=null: must have a value",
    "train trainer.betas=[0.9]": "trainer.betas=[0.9] must be two numbers",
    "train trainer.betas=[0.9,0.99,0.999]": "trainer.betas=[0.9, 0.99, 0.999] must be two numbers",
    "train trainer.betas=[0.9,nan]": "trainer.betas=[0.9, nan] is out of range: it must be finite",
    "data sine-continuous data.noise=inf": "data.noise=inf is out of range: it must be finite",
    "data sine-continuous data.noise=1e200": "data.noise=1e+200 is out of range: it must be at most 1000000.0",
    "train ptb": "'ptb'",
    "train seed=1 ptb": "'ptb'",
    "train ~trainer.lr": "~trainer.lr: an option cannot be removed; give it a value",
    "data gramar": "did you mean 'grammar'?",
    "evaluate": "vaetext evaluate RUN",
    "evaluate nothing": "run=nothing does not exist",
    "evaluate .": "is not a run folder",
    "resume nothing trainer.epochs=3": "run=nothing does not exist",
    "sample . temperature=0": "temperature=0.0 is out of range",
    "reproduce table=ptp": "did you mean 'ptb'?",
    "train --config-dir nowhere": "nowhere",
    "train model=cnn data=sine trainer.word_dropout=0.1": "trainer.word_dropout=0.1: cnn's decoder takes no token inputs; set trainer.word_dropout=0",
    "train outputs=": "outputs='' is not a folder",
    "train model=vrae,rnnlm": "add -m to run each value",
    "train outputs=${oc.env:NOPE}": "outputs: Environment variable 'NOPE' not found",
    "train hydra/launcher=nope": "hydra/launcher=nope: no such option; choose from basic",
    "train debug=maybe": "debug=maybe: must be true or false",
    "train seed=${x}": "seed: ${x} refers to no option",
    "train model.name=[1]": "model.name=[1]: must be text",
    "train table=ptb": "table=...: unknown option",
    "resume . trainer=paper": "changes single options of the trainer, as in trainer.epochs=30",
    "resume . +trainer=paper": "changes single options of the trainer, as in trainer.epochs=30",
    "train --xyz": "unknown flag --xyz; `vaetext train --help` lists all flags",
    "train --multirn": "did you mean '--multirun'?",
    "train --cfg": "--cfg needs a value after it, as in --cfg job",
    "train --cfg jbo": "--cfg jbo: unknown value; choose from job, hydra, all",
    "interpolate . -dog": "a sentence that begins with a dash is given as \"a='-...'\"",
    "interpolate . cat a=dog": "a is given twice",
    "sample . run=there": "run is given twice",
    "interpolate . ~dog cat": "is not a run folder",
    "reconstruct . input=nowhere": "is not a run folder",
}


@pytest.mark.parametrize("line", WRONG)
def test_mistakes_end_in_one_message(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    assert run(line.split(), monkeypatch) == 1
    output, message = capsys.readouterr()
    assert WRONG[line] in message and message.startswith("error: ") and message.count("\n") == 1
    assert "Traceback" not in message and output == ""
    assert list(tmp_path.iterdir()) == []  # nothing is left behind


class OutOfMemoryError(RuntimeError):
    """Stands for torch's."""


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."
        ),
        OutOfMemoryError(
            "CUDA out of memory. Tried to allocate 2.00 GiB.\nException raised from ..."
        ),
        MemoryError("Unable to allocate 9 GiB for an array"),
        MemoryError(),
    ],
)
def test_too_little_memory_has_a_remedy(error: Exception) -> None:
    told = explain(error)
    assert told.startswith("not enough memory (") and told.endswith(
        "); try a smaller trainer.batch_size, model or data.max_length"
    )
    assert "\n" not in told and str(error).split("\n")[0] in told


def test_a_traceback_is_shown_on_request(tmp_path: Path) -> None:
    told = vaetext("evaluate", "nothing", folder=tmp_path, HYDRA_FULL_ERROR="1")
    assert told.returncode and "Traceback" in told.stderr
    told = vaetext("evaluate", "nothing", "debug=true", folder=tmp_path, HYDRA_FULL_ERROR="")
    assert told.returncode and "Traceback" in told.stderr


def test_help_lists_options_and_knobs_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from vaetext.cli import main as cli; sys.argv[1:] = ['train', '--help', 'model=rnnlm', 'trainer=paper']; cli.main();"
        " assert not {'torch', 'datasets', 'matplotlib'} & set(sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr
    for words in (
        "(the baseline of Chien and Wang)",
        "trainer.beta_start=0.01",
        "model.init_scale=0.1",
        "gradient norm",
        "experiment=\n  ptb/hvrae ",
    ):
        assert words in told.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([verb, "--help"], monkeypatch) == 0
    assert f"usage: vaetext {verb}" in (told := capsys.readouterr().out) and "``" not in told
    assert run(["--help"], monkeypatch) == 0
    assert f"\n  {verb} " in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["--version"], ["sample", "--version"], ["train", "model=vrae", "--version"]]
)
def test_the_version(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments, monkeypatch) == 0
    assert capsys.readouterr().out.startswith("vaetext 0.")


@pytest.mark.parametrize(
    "arguments", [["train", "model=rnnlm"], ["data", "ptb"], ["sample", "a run"]]
)
def test_hydras_own_help_stands_beside_anything(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, "--hydra-help"], monkeypatch) == 0
    assert "== Flags ==" in capsys.readouterr().out


def test_a_folder_of_ones_own_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "trainer").mkdir()
    (tmp_path / "trainer" / "mine.yaml").write_text(
        "# mine alone\ndefaults: [default, _self_]\nlr: 0.5\n"
    )
    assert (
        run(["train", "--config-dir", str(tmp_path), "trainer=mine", "--cfg", "job"], monkeypatch)
        == 0
    )
    assert "lr: 0.5" in capsys.readouterr().out
    assert run(["train", "trainer=mine", "--config-dir", str(tmp_path), "--help"], monkeypatch) == 0
    assert "mine alone" in (told := capsys.readouterr().out) and "trainer.lr=0.5" in told
    (tmp_path / "trainer" / "mine.yaml").write_text("defaults: [default, _self_]\nlrr: 0.5\n")
    assert run(["train", "trainer=mine", "--config-dir", str(tmp_path)], monkeypatch) == 1
    message = capsys.readouterr().err
    assert "trainer/mine" in message and "did you mean 'lr'?" in message
    (tmp_path / "trainer" / "mine.yaml").write_text(
        "defaults: [default, _self_]\nlr: [0.5\nclip: 1\n"
    )
    assert run(["train", "trainer=mine", "--config-dir", str(tmp_path)], monkeypatch) == 1
    assert capsys.readouterr().err.startswith(
        f"error: {tmp_path}/trainer/mine.yaml, line 3: not valid YAML: expected ',' or ']'"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "defaults: [defalt, _self_]",
            "trainer/mine.yaml: its defaults name trainer/defalt.yaml, which does not exist; did you mean 'default'?",
        ),
        ("- a", "trainer/mine.yaml: it contains a list instead of options, written as key: value"),
        (
            "defaults: [default, _self_]\nlr: ${nope.x}",
            "trainer.lr: ${nope.x} refers to no option; write a full name",
        ),
        (
            "defaults: [default, _self_]\nlr: ${nope:x}",
            "trainer.lr: ${nope:x} is unknown",
        ),
        (
            "defaults: [default, _self_]\nlr: fast",
            "trainer/mine.yaml: trainer.lr=fast: must be a number",
        ),
        (
            "# caf\udce9\nlr: 1",
            "a configuration file is not UTF-8 text, near b'# caf\\xe9\\nlr: 1'",
        ),
    ],
)
def test_mistakes_in_ones_own_options(
    text: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf" / "trainer").mkdir(parents=True)
    (tmp_path / "conf" / "trainer" / "mine.yaml").write_bytes(text.encode(errors="surrogateescape"))
    assert run(["train", "--config-dir", "conf", "trainer=mine"], monkeypatch) == 1
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1
    assert [each.name for each in tmp_path.iterdir()] == ["conf"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("vaetext tr", "train"),
        ("vaetext train mod", "model="),
        ("vaetext train model=", "model=vrae"),
        ("vaetext evaluate runs/x iw_s", "iw_samples="),
        ("vaetext  train  mod", "model="),
        ("vaetext train --mul", "--multirun"),
        ("vaetext train trainer.schedule=", "trainer.schedule=cosine"),
        ("vaetext train trainer.schedule=", "trainer.schedule=halving"),
        ("vaetext train model=vrae model.cell=g", "model.cell=gru"),
        ("vaetext train data=ptb trainer.lr=", "trainer.lr=0.0015"),
        ("vaetext train debug=t", "debug=true"),
        ("vaetext data gr", "grammar"),
        ("vaetext data ptb data.root=", ""),
        ("vaetext tables outputs/x format=", "format=latex"),
        ("vaetext sample outputs/x checkpoint=", "checkpoint=last"),
        ("vaetext reproduce table=", "table=sine"),
        ("vaetext train experiment=pt", "experiment=ptb/vrae-regularised"),
        ("vaetext train experiment=ptb/v", "experiment=ptb/vrae"),
    ],
)
def test_tab_completion(
    line: str, found: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COMP_LINE", line)
    assert run(["-sc", "query=bash"], monkeypatch) == 0
    assert found in (capsys.readouterr().out.split() or [""])


def test_tab_completion_knows_ones_own_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "trainer").mkdir()
    (tmp_path / "trainer" / "mine.yaml").write_text("defaults: [default, _self_]\n")
    monkeypatch.setenv("COMP_LINE", f"vaetext train --config-dir {tmp_path} trainer=m")
    assert run(["-sc", "query=bash"], monkeypatch) == 0
    assert capsys.readouterr().out.split() == ["trainer=mine"]


def test_tab_completion_installs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "-sc", "install=bash"], monkeypatch) == 0
    assert capsys.readouterr().out.rstrip().endswith("hydra_bash_completion vaetext")


class Stub:
    """Stands for a runner: counts its jobs, and fails where seed is 1."""

    def __init__(self) -> None:
        self.folders: list[Path] = []

    def __call__(self, config: Any) -> float:
        from hydra.core.hydra_config import HydraConfig

        self.folders.append(Path(HydraConfig.get().runtime.output_dir))
        if config.seed == 1:
            raise ValueError("seed=1 is bad luck")
        return 0.0


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    import vaetext.verbs.train

    stub = Stub()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    monkeypatch.setattr(vaetext.verbs.train, "run", stub)
    return stub


def test_one_job_that_fails_does_not_stop_a_sweep(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "-m", "seed=0,1,2"], monkeypatch) == 1
    assert [folder.name for folder in stub.folders] == ["0", "1", "2"]
    message = capsys.readouterr().err
    assert (
        "error: job 1 failed (seed=1): seed=1 is bad luck" in message and "Traceback" not in message
    )
    first = stub.folders
    stub.folders = []
    run(["train", "-m", "seed=0,1,2"], monkeypatch)
    assert stub.folders == first


@pytest.mark.parametrize(
    ("line", "key", "values"),
    [
        ("data -m data=sine,grammar", "data.name", ["sine", "grammar"]),
        ("tables a -m format=csv,latex", "format", ["csv", "latex"]),
        ("reproduce -m scale=debug,full", "scale", ["debug", "full"]),
        ("resume -m run=a,b", "run", ["a", "b"]),
    ],
)
def test_a_multirun_of_a_verb_without_a_folder_leaves_none(
    line: str, key: str, values: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run_folder in ("a", "b"):
        (tmp_path / run_folder / ".hydra").mkdir(parents=True)
        (tmp_path / run_folder / ".hydra" / "config.yaml").touch()
    seen: list[Any] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        f"vaetext.verbs.{line.split()[0]}.run",
        lambda config: seen.append(operator.attrgetter(key)(config)),
    )
    assert run(line.split(), monkeypatch) == 0
    assert seen == values
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a", "b"]
    assert all((tmp_path / each / "train.log").is_file() == (key == "run") for each in ("a", "b"))


@pytest.mark.parametrize("wrong", ["model=vraee", "trainer.nope=3", "model=vrae,rnnlm seed=a b"])
def test_a_typo_in_a_sweep_leaves_no_folder(
    stub: Stub, wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["train", "-m", "seed=2,3", *wrong.split()], monkeypatch) == 1
    assert not (tmp_path / "outputs").exists() and stub.folders == []
    assert run(["train", "-m", "seed=2,3"], monkeypatch) == 0
    assert run(["train", "-m", "seed=2,3", "model=vrea"], monkeypatch) == 1
    assert len([each for each in (tmp_path / "outputs/sweeps").iterdir() if each.is_dir()]) == 1


def test_a_path_may_stand_below_home(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "the home"))
    assert split("train", ["data.train=~/a b.txt", "+x=~", "model=~x", "seed=1"])[1] == [
        f"data.train='{tmp_path}/the home/a b.txt'", f"+x='{tmp_path}/the home'", "model=~x", "seed=1",
    ]  # fmt: skip
    assert run(["train", "outputs=~/runs"], monkeypatch) == 0
    assert stub.folders[0].is_relative_to(tmp_path / "the home" / "runs")


def test_a_log_that_cannot_be_opened_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "train.log").mkdir()
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    assert run(["train", f"hydra.run.dir={tmp_path}"], monkeypatch) == 1
    assert f"error: {tmp_path}/train.log: Is a directory" in capsys.readouterr().err


def test_a_place_that_may_not_be_written_names_the_way_out() -> None:
    assert explain(PermissionError(13, "Permission denied", "a/b")) == (
        "a/b: Permission denied; hydra.run.dir=FOLDER chooses another folder to write to"
    )
    assert "set PYTHONIOENCODING=utf-8" in explain(
        UnicodeEncodeError("ascii", "né", 1, 2, "not in range")
    )


def test_a_sweep_is_refused_before_its_first_job(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "-m", "seed=2,3", "model.latent_dim=4,0"], monkeypatch) == 1
    assert (
        "error: job 1 (seed=2 model.latent_dim=0): model.latent_dim=0 is out of range"
        in capsys.readouterr().err
    )
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "rates.yaml").write_text(
        "# @package _global_\nhydra: {sweeper: {params: {trainer.lr: '0.1,-1'}}}\n"
    )
    sweep = ["train", "-m", "--config-dir", str(tmp_path), "experiment=rates"]
    assert run(sweep, monkeypatch) == 1
    assert (
        "error: job 1 (trainer.lr=-1 experiment=rates): trainer.lr=-1.0 is out of range"
        in capsys.readouterr().err
    )
    assert stub.folders == []
    (tmp_path / "experiment" / "rates.yaml").write_text(
        "# @package _global_\nhydra: {sweeper: {params: {trainer.lr: '0.1,0.2'}}}\n"
    )
    assert run(sweep, monkeypatch) == 0
    assert len(stub.folders) == 2


def test_a_multirun_over_runs_writes_below_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for run_folder in ("a", "b"):
        (tmp_path / run_folder / ".hydra").mkdir(parents=True)
        (tmp_path / run_folder / ".hydra" / "config.yaml").touch()
    folders: list[Path] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("vaetext.verbs.sample.run", lambda config: folders.append(output_folder()))
    assert run(["sample", "-m", "run=a,b", "seed=1,2"], monkeypatch) == 0
    assert [folder.relative_to(tmp_path).parts[:2] for folder in folders] == [
        (name, "sample") for name in "aabb"
    ]
    assert len(set(folders)) == 4 and all(folder.is_dir() for folder in folders)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a", "b"]


def test_runs_never_share_a_folder(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        assert run(["train"], monkeypatch) == 0
    assert len(set(stub.folders)) == 3
    assert all(
        (folder / ".hydra" / "config.yaml").is_file() and folder.parts[-3:-1] == ("grammar", "vrae")
        for folder in stub.folders
    )


def test_an_error_of_a_task_is_one_message(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "seed=1", "data=sine"], monkeypatch) == 1
    assert capsys.readouterr().err == "error: seed=1 is bad luck\n"


def test_options_of_a_trainer_on_one_data_set_are_logged(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "trainer.epochs=3"], monkeypatch) == 0
    logged = capsys.readouterr().err
    assert "trainer=default on data=grammar: 7 options from conf/trainer_for_data/" in logged
    assert "grammar/default.yaml (batch_size=64," in logged


def test_a_run_that_fails_before_it_wrote_anything_leaves_no_folder(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["train", "seed=1"], monkeypatch) == 1
    assert list(tmp_path.iterdir()) == []
    assert run(["train", "seed=0"], monkeypatch) == 0
    assert run(["train", "seed=1"], monkeypatch) == 1
    assert [folder.is_dir() for folder in stub.folders[1:]] == [
        True,
        False,
    ]  # the first one's name may have been taken anew

    def begun(config: Any) -> float:
        stub(config)
        (stub.folders[-1] / "env.json").touch()
        raise ValueError("later")

    monkeypatch.setattr("vaetext.verbs.train.run", begun)
    assert run(["train", "seed=2"], monkeypatch) == 1
    assert stub.folders[-1].is_dir()


def test_showing_a_configuration_makes_no_folder(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for flags in (["--cfg", "job"], ["--cfg", "all"], ["--info"], ["--help"], ["--hydra-help"]):
        assert run(["train", *flags], monkeypatch) == 0
    assert stub.folders == [] and list(tmp_path.iterdir()) == []


def test_ctrl_c_ends_with_130(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(config: Any) -> float:
        raise KeyboardInterrupt("checkpoint written")

    monkeypatch.setattr("vaetext.verbs.train.run", interrupted)
    assert run(["train", "data=sine"], monkeypatch) == 130
    assert capsys.readouterr().err == "interrupted: checkpoint written\n"


def test_a_run_is_not_taken_over_by_another_configuration(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = ["train", "-m", "sweep=foo"]
    assert run([*sweep, "seed=2,3"], monkeypatch) == 0
    assert (
        run([*sweep, "seed=7,8"], monkeypatch) == 0
    )  # nothing was written but a configuration, which may be corrected
    for folder in stub.folders:
        (folder / "DONE").touch()
    stub.folders = []
    assert run([*sweep, "seed=7,8,9", "debug=true", "trainer.threads=1"], monkeypatch) == 0
    assert len(stub.folders) == 3
    capsys.readouterr()
    for line in (
        [*sweep, "seed=5,8"],
        ["train", "hydra.run.dir=outputs/sweeps/foo/0", "model=rnnlm", "seed=7"],
    ):
        saved = (tmp_path / "outputs/sweeps/foo/0/.hydra/config.yaml").read_bytes()
        assert run(line, monkeypatch) == 1
        message = capsys.readouterr().err
        assert (
            f"error: {tmp_path}/outputs/sweeps/foo/0 holds a run with " in message
            and "vaetext resume" in message
        )
        assert ("seed=7, not 5" if "-m" in line else "model.name=vrae, not rnnlm") in message
        assert (tmp_path / "outputs/sweeps/foo/0/.hydra/config.yaml").read_bytes() == saved
    assert len(stub.folders) == 3
