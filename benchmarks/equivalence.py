"""Compares the models of two commits number by number.

    python benchmarks/equivalence.py OLD NEW               every number is the same, bit for bit
    python benchmarks/equivalence.py OLD NEW --given-z     from OLD's weights and draws, to 1e-10

Each case of the contract test runs in both commits, on one thread and in float64: initial weights,
every term of the evidence, losses and gradients, the importance-weighted bound, an evaluation's
record (active units, mutual information, shuffle increase), draws from the prior, and the weights
and metrics of three training steps (these in float32 too). Names that changed are mapped by
``equivalence.yaml``. The exit status is 1 where a number differs or a name is in one commit only.

With ``--given-z``, NEW takes OLD's weights, and its noise repeats what OLD drew for each latent: z
is the same even where noise is keyed otherwise. log p(x|z) is also computed at OLD's own z.
Training is left out, as its draws come from torch's generator.
"""

import argparse
import io
import json
import os
import re
import runpy
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import OmegaConf
from torch import Tensor

ROOT = Path(__file__).parents[1]
SHOWN = 5  # differences of a case that are printed
Numbers = dict[str, Tensor]
Rules = dict[str, dict[str, str]]


def main() -> int:
    options = parse()
    rules: Any = OmegaConf.to_container(OmegaConf.load(Path(__file__).with_suffix(".yaml")))
    with tempfile.TemporaryDirectory() as temporary:
        old, new = dumps(options, rules, Path(temporary))
    default = 1e-10 if options.given_z else 0.0
    tolerance = default if options.tolerance is None else options.tolerance
    return report(old, new, rules, tolerance)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("old", help="the commit to compare with")
    parser.add_argument("new", nargs="?", default="HEAD", help="the commit to compare (HEAD)")
    parser.add_argument("--given-z", action="store_true", help="NEW takes OLD's weights and draws")
    parser.add_argument("--tolerance", type=float, help="0: bit for bit (--given-z: 1e-10)")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    return parser.parse_args()


def dumps(options: argparse.Namespace, rules: Rules, folder: Path) -> list[dict[str, Numbers]]:
    """The numbers of both commits: case -> name -> tensor."""
    old_tree = checkout(options.old, folder / "old")
    new_tree = checkout(options.new, folder / "new")
    cases = write_cases(folder / "cases.json", [old_tree, new_tree], options.only)
    old = dump(old_tree, cases, folder / "old.pt")
    if not options.given_z:
        return [old, dump(new_tree, cases, folder / "new.pt")]
    old = {case: without_training(numbers) for case, numbers in old.items()}
    given = {case: renamed(numbers, {}, rules) | numbers for case, numbers in old.items()}
    torch.save(given, folder / "given.pt")
    return [old, dump(new_tree, cases, folder / "new.pt", folder / "given.pt")]


def checkout(commit: str, tree: Path) -> Path:
    """The files of a commit, in a folder of their own where ``vaetext.conf`` is found too."""
    command = ["git", "-C", str(ROOT), "archive", "--format=tar", commit]
    archive = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(tree, filter="data")
    if not (tree / "vaetext" / "conf").exists():
        (tree / "vaetext" / "conf").symlink_to("../conf")
    return tree


def write_cases(path: Path, trees: list[Path], only: str) -> Path:
    """The contract test's cases of the models that every tree has."""
    contract = runpy.run_path(str(ROOT / "tests" / "models" / "contract_cases.py"))
    cases = {
        case: each
        for case, each in contract["cases"]().items()
        if only in case and each[2] != "binary"  # version 0.1.0 had no binary frames
    }
    known = {
        case: each
        for case, each in cases.items()
        if all((tree / "conf" / "model" / f"{each[0]}.yaml").is_file() for tree in trees)
    }
    if len(known) < len(cases):
        print(f"left out, as one commit lacks the model: {', '.join(cases.keys() - known.keys())}")
    small = contract["small_options"]
    content = {
        "cases": {
            case: (name, small(options), options, domain)
            for case, (name, options, domain) in known.items()
        },
        "sequences": contract["SEQUENCES"],
        "vocabulary": contract["VOCABULARY"],
        "features": contract["FEATURES"],
        "longest": contract["LONGEST"],
    }
    path.write_text(json.dumps(content, default=np.ndarray.tolist))
    return path


def dump(tree: Path, cases: Path, out: Path, *given: Path) -> dict[str, Numbers]:
    """Runs ``equivalence_dump.py`` with a tree's package."""
    script = Path(__file__).with_name("equivalence_dump.py")
    environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(script), str(cases), str(out), *map(str, given)]
    subprocess.run(command, check=True, env=environment, cwd=tree)
    numbers: dict[str, Numbers] = torch.load(out, weights_only=True)
    return numbers


def without_training(numbers: Numbers) -> Numbers:
    """All but the weights and metrics of training."""
    return {name: each for name, each in numbers.items() if not name.startswith("trained")}


def report(old: dict[str, Numbers], new: dict[str, Numbers], rules: Rules, tolerance: float) -> int:
    """Prints a line for each case and a summary; 1 where anything differs, else 0."""
    failed = 0
    compared = 0
    for case, numbers in old.items():
        problems = differences(renamed(numbers, new[case], rules), new[case], tolerance)
        failed += bool(problems)
        compared += len(numbers)
        print(f"{case}: {len(problems)} of {len(numbers)} tensors differ")
        for problem in problems[:SHOWN]:
            print(f"    {problem}")
        if len(problems) > SHOWN:
            print("    ...")
    how = f"within {tolerance:g}" if tolerance else "bit for bit"
    verdict = f"{failed} of {len(old)} cases differ" if failed else "nothing differs"
    print(f"{len(old)} cases, {compared} tensors compared {how}: {verdict}")
    return int(failed > 0 or compared == 0)


def renamed(old: Numbers, new: Numbers, rules: Rules) -> Numbers:
    """Old numbers under the names that they have in the new commit.

    Raises:
        ValueError: two names became one.
    """
    names = {name: name if name in new else new_name(name, rules) for name in old}
    if len(set(names.values())) < len(names):
        raise ValueError("equivalence.yaml gives two names of the old commit the same new name")
    return {names[name]: tensor for name, tensor in old.items()}


def new_name(name: str, rules: Rules) -> str:
    """A name with the rules applied to the part that names a weight or a latent."""
    for kind, places in PLACES.items():
        for place in places:
            if found := re.match(place, name):
                head, tail = name[: found.end()], name[found.end() :]
                for pattern, replacement in rules.get(kind, {}).items():
                    tail = re.sub(pattern, replacement, tail)
                return head + tail
    return name


PLACES = {
    "weights": (r"weights/", r".*/(?:after|weights)/", r".*/gradients/\w+/"),
    "latents": (r".*/latents/", r"prior/z/", r"draws/", r"evaluation/\w+/", r".*/metrics/\d+/\w+/"),
}


def differences(old: Numbers, new: Numbers, tolerance: float) -> list[str]:
    """What is not the same, one line each; both have the same names if nothing is."""
    problems = [f"{name} is in the old commit only" for name in old if name not in new]
    problems += [f"{name} is in the new commit only" for name in new if name not in old]
    for name in old.keys() & new.keys():
        one, other = old[name], new[name]
        if one.shape != other.shape or one.dtype != other.dtype:
            problems.append(
                f"{name}: {tuple(one.shape)} {one.dtype} became {tuple(other.shape)} {other.dtype}"
            )
        elif not same(one, other, tolerance):
            largest = (one.double() - other.double()).abs().max().item()
            problems.append(f"{name}: differs by up to {largest:.3g}")
    return sorted(problems)


def same(one: Tensor, other: Tensor, tolerance: float) -> bool:
    if tolerance == 0:
        return torch.equal(one, other)
    return torch.allclose(one, other, rtol=tolerance, atol=tolerance)


if __name__ == "__main__":
    sys.exit(main())
