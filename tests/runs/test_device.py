"""Where a run computes: what can be asked for, and what is refused."""

import os
import re
import subprocess
import sys

import pytest
import torch

from vaetext.runs.device import choose, use_threads


@pytest.mark.parametrize(
    "name", ["cpu:", "cpu:0", "cuda:", "cuda:x", "cuda:-1", "cuda:1\n", "gpu", ""]
)
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(
        ValueError, match=r"^trainer\.device=.*: choose from auto, cpu, cuda, cuda:N$"
    ):
        choose(name)


def test_a_gpu_that_is_absent_is_one_clear_error() -> None:
    count = torch.cuda.device_count()
    with pytest.raises(
        ValueError,
        match=rf"^device=cuda:{count}: .* {count} GPUs; set device=auto or device=cpu$",
    ):
        choose(f"cuda:{count}", "device")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_cuda_is_refused_and_auto_is_the_cpu() -> None:
    with pytest.raises(
        ValueError,
        match=r"^trainer\.device=cuda: .* 0 GPUs; set trainer\.device=auto or trainer\.device=cpu$",
    ):
        choose("cuda")
    assert choose("auto") == choose("cpu") == torch.device("cpu")


@pytest.mark.parametrize(
    ("given", "count", "threads"),
    [("3", 0, 3), ("2,1", 0, 2), ("2,1", 5, 5), ("", 0, None), ("many", 0, None)],
)
def test_threads_come_from_the_option_then_the_environment_then_all_cores(
    given: str, count: int, threads: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[int] = []
    monkeypatch.setenv("OMP_NUM_THREADS", given)
    monkeypatch.setattr(torch, "set_num_threads", used.append)
    use_threads(count)
    assert used == [threads or len(os.sched_getaffinity(0))]


def test_bf16_on_a_cpu_without_its_instructions_is_refused() -> None:
    older = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
    code = (
        "import torch; from vaetext.runs.device import check_precision;"
        " check_precision('bf16', torch.device('cpu'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=older, capture_output=True, text=True, check=False
    )
    wanted = (
        r"^ValueError: trainer\.precision=bf16: this CPU \(AVX2, .*\) has no bf16 kernels .*; set"
        r" trainer\.precision=fp32$"
    )
    assert re.search(wanted, done.stderr, re.M)
