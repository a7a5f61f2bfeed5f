"""What all tests share: one thread, a cache of their own, and where the real corpora are."""

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

# set before torch is imported: more threads do not speed up tiny models, and wait for busy cores
os.environ.setdefault("OMP_NUM_THREADS", "1")
DATA = Path(os.environ.get("VAETEXT_DATA") or Path(__file__).parents[2] / "shared" / "data")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The user's cache is neither read nor written, and ``VAETEXT_DATA`` is unset."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAETEXT_CACHE", str(folder))
        patch.delenv("VAETEXT_DATA", raising=False)
        yield folder


@pytest.fixture(scope="session", autouse=True)
def hangups() -> None:
    """SIGHUP is taken even where the tests run under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Handlers that a command installs are gone after the test."""
    root = logging.getLogger()
    before = root.handlers.copy()
    level = root.level
    yield
    for handler in set(root.handlers) - set(before):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


@pytest.fixture
def float64() -> Iterator[None]:
    """Tensors are of float64, and torch's generator is seeded."""
    import torch

    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for this test alone."""
    monkeypatch.setenv("VAETEXT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def real_data() -> str:
    """The root of the real corpora."""
    if not (DATA / "ptb").is_dir():
        pytest.skip(f"no real corpora in {DATA}; set VAETEXT_DATA to a data root")
    return str(DATA)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips tests marked ``bf16`` where this CPU cannot train in bf16."""
    if item.get_closest_marker("bf16"):
        import torch

        from vaetext.runs.device import bf16_supported

        if not bf16_supported(torch.device("cpu")):
            pytest.skip("this CPU has no bf16 kernels for recurrent layers (AVX512 or AMX)")
