"""Piano rolls as MIDI files."""

from io import BytesIO

import mido
import numpy as np
import pytest

from vaetext.data.midi import TICKS, midi_bytes, read_midi

LOWEST = 21


def roll_of(*steps: list[int]) -> np.ndarray:
    roll = np.zeros((len(steps), 88), dtype=np.uint8)
    for row, notes in zip(roll, steps, strict=True):
        row[[note - LOWEST for note in notes]] = 1
    return roll


ROLL = roll_of([], [60, 64], [60], [], [21, 108], [60], [])


def test_a_held_note_is_one_note_and_silence_is_kept() -> None:
    file = mido.MidiFile(file=BytesIO(midi_bytes(ROLL, LOWEST, tempo=90)))
    assert file.length == pytest.approx(7 * 60 / 90)
    at = 0
    found = []
    for message in file.tracks[0]:
        at += message.time
        if not message.is_meta:
            found.append((at / TICKS, message.type, message.note))
    assert found == [
        (1, "note_on", 60),
        (1, "note_on", 64),
        (2, "note_off", 64),
        (3, "note_off", 60),
        (4, "note_on", 21),
        (4, "note_on", 108),
        (5, "note_off", 21),
        (5, "note_off", 108),
        (5, "note_on", 60),
        (6, "note_off", 60),
    ]


def test_a_roll_is_read_back() -> None:
    found = read_midi(midi_bytes(ROLL, LOWEST), "a.mid", LOWEST, 88)
    np.testing.assert_array_equal(found, ROLL)
    random = (np.random.default_rng(0).random((50, 88)) < 0.3).astype(np.uint8)
    np.testing.assert_array_equal(
        read_midi(midi_bytes(random, LOWEST, 33.3), "a.mid", LOWEST, 88), random
    )


def midi_of(*messages: mido.Message, ticks: int = 100) -> bytes:
    buffer = BytesIO()
    track = mido.MidiTrack(messages)
    mido.MidiFile(ticks_per_beat=ticks, tracks=[track]).save(file=buffer)
    return buffer.getvalue()


def on(note: int, time: int, velocity: int = 64, channel: int = 0) -> mido.Message:
    return mido.Message("note_on", note=note, time=time, velocity=velocity, channel=channel)


def test_notes_are_rounded_to_quarter_notes_and_drums_left_out() -> None:
    content = midi_of(on(60, 10), on(40, 0, channel=9), on(60, 20, 0), on(62, 60), on(62, 170, 0))
    np.testing.assert_array_equal(
        read_midi(content, "a.mid", LOWEST, 88), roll_of([60], [62], [62])
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"RIFF", "a.mid is no MIDI file"),
        (midi_of(), "a.mid holds no note"),
        (midi_of(on(20, 0), on(20, 100, 0)), "a.mid has notes 20 to 20; .* MIDI 21 to 108"),
        (b"MThd\0\0\0\6\0\0\0\1\xe7\x28MTrk\0\0\0\4\0\xff\x2f\0", "counts seconds, not beats"),
    ],
)
def test_another_file_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_midi(content, "a.mid", LOWEST, 88)
