"""Recordings in folders and archives, RIFF and NIST SPHERE, and what is refused."""

import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from vaetext.data.audio import Archive, check_rates, digest, is_audio, read_recordings
from vaetext.data.domain import Real
from vaetext.data.files import locate
from vaetext.data.waveform import Waveform

RNG = np.random.default_rng(0)


def sound(count: int = 50, channels: int = 1) -> np.ndarray:
    return RNG.integers(-(2**15), 2**15, (count, channels), dtype=np.int16)


def wav(samples: np.ndarray, rate: int = 8000, **options: Any) -> bytes:
    buffer = io.BytesIO()
    kind = {"format": "WAV", "subtype": "PCM_16", **options}
    soundfile.write(buffer, samples, rate, **kind)
    return buffer.getvalue()


def sphere(samples: np.ndarray, rate: int = 8000) -> bytes:
    """A file as on TIMIT's CD: a header of 1024 bytes, then samples, low bytes first."""
    fields = [
        "NIST_1A",
        "   1024",
        "channel_count -i 1",
        f"sample_count -i {len(samples)}",
        f"sample_rate -i {rate}",
        "sample_n_bytes -i 2",
        "sample_byte_format -s2 01",
        "sample_sig_bits -i 16",
        "end_head",
    ]
    return "\n".join(fields).encode().ljust(1024) + samples.astype("<i2").tobytes()


@pytest.fixture
def files() -> dict[str, bytes]:
    """Three recordings, and files that are none."""
    parts = {f"a/{n}.wav": wav(sound(n)) for n in (9, 10)}
    other = {"a/9.txt": b"nine", "a/._9.wav": b"of a Mac"}
    return {"b.WAV": sphere(sound(20)[:, 0]), **parts, **other}


def folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def tar(path: Path, files: dict[str, bytes], mode: str) -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def test_folders_and_archives_hold_the_same_recordings(
    tmp_path: Path, files: dict[str, bytes]
) -> None:
    places = [
        folder(tmp_path / "folder", files),
        tar(tmp_path / "a.tar", files, "w"),
        tar(tmp_path / "a.tar.xz", files, "w:xz"),
        tar(tmp_path / "a.tar.gz", files, "w:gz"),
        zipped(tmp_path / "a.zip", files),
    ]
    found = [read_recordings(each) for each in places]
    for each, place in zip(found, places, strict=True):
        assert is_audio(place)
        assert [record.name for record in each] == ["a/9.wav", "a/10.wav", "b.WAV"]
        assert [len(record.samples) for record in each] == [9, 10, 20]
        assert digest(each) == digest(found[0])
    changed = {**files, "a/9.wav": wav(sound(9))}
    assert digest(read_recordings(zipped(tmp_path / "b.zip", changed))) != digest(found[0])


def test_sphere_and_riff_files_hold_the_same_samples(tmp_path: Path) -> None:
    samples = sound(400)[:, 0]
    (tmp_path / "riff.wav").write_bytes(wav(samples, 16000))
    (tmp_path / "sphere.wav").write_bytes(sphere(samples, 16000))
    riff, nist = (read_recordings(tmp_path / f"{name}.wav")[0] for name in ("riff", "sphere"))
    assert riff.rate == nist.rate == 16000
    assert (riff.samples == nist.samples).all()
    assert (riff.samples == samples / np.float32(2**15)).all()


def test_a_pattern_chooses_and_names_recordings(tmp_path: Path, files: dict[str, bytes]) -> None:
    archive = zipped(tmp_path / "a.zip", {f"top-123/{name}": each for name, each in files.items()})
    found = read_recordings(archive, r"a/[0-9]+\.wav$")
    assert [each.name for each in found] == ["a/9.wav", "a/10.wav"]


def test_a_rest_shorter_than_a_frame_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav(sound(23)))
    (found,) = read_recordings(tmp_path / "a.wav")
    assert (found.frames(10) == found.samples[:20].reshape(2, 10)).all()
    with pytest.raises(ValueError, match=r"a\.wav has 23 samples, fewer than data\.frame=24"):
        found.frames(24)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.wav", wav(sound(50, 2)), r"x\.wav has 2 channels; mix them to one"),
        ("x.wav", wav(sound(50), 11025), r"x\.wav has 11025 samples a second, and .*a\.wav 8000"),
        ("x.wav", wav(sound(0)), r"x\.wav holds no sample"),
        (
            "x.wav",
            wav(np.array([0.1, np.nan]), subtype="FLOAT"),
            r"x\.wav has samples that are not",
        ),
        ("x.wav", b"", r"x\.wav is empty; leave it out"),
        (
            "x.wav",
            b"some text",
            r"x\.wav cannot be read as WAV \(RIFF, NIST SPHERE\): Format not recognised",
        ),
        ("x.wav", wav(sound())[:20], r"x\.wav cannot be read as WAV"),
        ("x.wav", wav(sound())[:-20], r"x\.wav is cut off: 20 of 144 bytes are missing"),
        ("x.wav", sphere(sound()[:, 0])[:-20], r"x\.wav is cut off: 10 of 50 samples are missing"),
        ("x.wav", wav(sound(), format="FLAC"), r"x\.wav is FLAC; only WAV files are read"),
        ("x.mp3", b"ID3", r"x\.mp3: only WAV files are read .*convert it"),
        ("x.FLAC", b"fLaC", r"x\.FLAC: only WAV files are read"),
        ("x.wav", b"version https://git-lfs.github.com/spec/v1\n", r"x\.wav is a Git LFS pointer"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",  # libsndfile writes the time into files
)
def test_what_is_no_recording_of_these_is_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    files = {"a.wav": wav(sound()), name: content}
    for path in (folder(tmp_path / "f", files), tar(tmp_path / "a.tar", files, "w")):
        with pytest.raises(ValueError, match=message):
            read_recordings(path)


def test_a_place_without_a_recording_is_refused(tmp_path: Path, files: dict[str, bytes]) -> None:
    folder(tmp_path / "f", {"readme.txt": b"no sound"})
    with pytest.raises(ValueError, match=r"f holds no recording: no \.wav or \.sph file"):
        read_recordings(tmp_path / "f")
    for path in (tmp_path / "f", tmp_path / "f" / "readme.txt", Path("/dev/null"), Path("-")):
        assert not is_audio(path)
    whole = tar(tmp_path / "a.tar.xz", files, "w:xz").read_bytes()
    (tmp_path / "cut.tar.xz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"cut\.tar\.xz"):
        read_recordings(tmp_path / "cut.tar.xz")


def test_a_published_archive_is_downloaded_however_it_is_packed(
    tmp_path: Path, files: dict[str, bytes], fresh_cache: Path
) -> None:
    source = zipped(tmp_path / "source.zip", files)
    sum = digest(read_recordings(source, r"[0-9]+\.wav$"))
    remote = Archive("corpus/all", source.as_uri(), sum, ".zip", r"[0-9]+\.wav$")
    assert locate(remote, None) == fresh_cache / "data" / "corpus" / "all.zip"
    folder(tmp_path / "root" / "corpus" / "all", files)
    assert locate(remote, str(tmp_path / "root")) == tmp_path / "root" / "corpus" / "all"


def test_a_download_that_is_no_archive_is_deleted(tmp_path: Path, fresh_cache: Path) -> None:
    (tmp_path / "page.html").write_text("not found")
    remote = Archive("corpus/all", (tmp_path / "page.html").as_uri(), "0" * 64, ".zip", "wav")
    with pytest.raises(ValueError, match=r"its checksum is unknown \(.*it was deleted"):
        locate(remote, None)
    assert not list(fresh_cache.rglob("*.part"))


def test_rates_are_compared_between_places(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav(sound()))
    (tmp_path / "b.wav").write_bytes(wav(sound(), 44100))
    found = [*read_recordings(tmp_path / "a.wav"), *read_recordings(tmp_path / "b.wav")]
    with pytest.raises(ValueError, match=r"b\.wav has 44100 samples a second, and .*a\.wav 8000"):
        check_rates(found)


def test_a_waveform_reads_recordings_and_arrays_and_is_read_again(tmp_path: Path) -> None:
    form = Waveform((0.5,), (0.25,), samples=4, rate=8000)
    assert form.domain(7) == Real(4, 7)
    samples = sound(11)[:, 0]
    (tmp_path / "a.wav").write_bytes(wav(samples))
    ((name, frames),) = form.read(tmp_path / "a.wav")
    assert name == "a.wav" and frames.shape == (2, 4)
    np.testing.assert_allclose(form.values(frames), samples[:8] / 2**15, atol=1e-6)
    assert (form.sequence(samples / 2**15) == frames).all()
    assert form.decode(frames).startswith("0.001 s, 2 frames, ")
    form.save(tmp_path / form.file)
    assert Waveform.load(tmp_path / form.file) == form
    assert form.reads(tmp_path / "a.wav") and not form.reads(tmp_path / form.file)
    (tmp_path / "b.wav").write_bytes(wav(samples, 16000))
    with pytest.raises(ValueError, match=r"b\.wav has 16000 samples a second, and this run's data"):
        form.read(tmp_path / "b.wav")
    with pytest.raises(ValueError, match="samples=0"):
        Waveform((0.5,), (0.25,), samples=0, rate=8000)


def test_silence_keeps_its_scale() -> None:
    assert Waveform.of([np.zeros((3, 4), np.float32)], 8000).std == (1.0,)
