"""Piano rolls as MIDI files and back; a step is a quarter note."""

from io import BytesIO
from typing import Any

import numpy as np

TICKS = 480  # of a quarter note
VELOCITY = 80
TEMPO = 120.0  # quarter notes a minute


def midi_bytes(roll: np.ndarray, lowest: int, tempo: float = TEMPO) -> bytes:
    """A MIDI file of one track. A note held over consecutive steps is one note; silence is kept.

    Args:
        roll: [T, F] binary.
        lowest: the MIDI number of the first column.
        tempo: quarter notes a minute.
    """
    from mido import MetaMessage, MidiFile, MidiTrack, bpm2tempo

    track = MidiTrack([MetaMessage("set_tempo", tempo=bpm2tempo(tempo))])
    change = np.diff(np.pad(np.asarray(roll) > 0.5, ((1, 1), (0, 0))).astype(int), axis=0)
    last = 0
    for step, row in enumerate(change):
        track.extend(_messages(row, lowest, TICKS * (step - last)))
        last = step if row.any() else last
    track.append(MetaMessage("end_of_track", time=TICKS * (len(roll) - last)))
    buffer = BytesIO()
    MidiFile(ticks_per_beat=TICKS, tracks=[track]).save(file=buffer)
    return buffer.getvalue()


def _messages(row: np.ndarray, lowest: int, wait: int) -> list[Any]:
    """The notes that end (-1) and begin (1) at a step, the first of them after ``wait`` ticks."""
    from mido import Message

    kinds = {-1: "note_off", 1: "note_on"}
    order = np.argsort(row, kind="stable")  # a note ends before it begins again
    changed = [column for column in order if row[column]]
    return [
        Message(kinds[int(row[column])], note=int(column) + lowest, velocity=VELOCITY, time=ticks)
        for column, ticks in zip(changed, [wait] + [0] * len(changed), strict=False)
    ]


def read_midi(content: bytes, name: str, lowest: int, size: int) -> np.ndarray:
    """The roll [T, size] uint8 of a MIDI file, its notes rounded to quarter notes.

    Each lasts at least one step. Tracks and channels are merged; the drums (channel 10) are left
    out.

    Args:
        name: of the file, for messages.
        lowest: the MIDI number of the first column.

    Raises:
        ValueError: the content is no MIDI file with beats, holds no note, or one out of range.
    """
    from mido import MidiFile, merge_tracks

    try:
        file = MidiFile(file=BytesIO(content))
        messages = merge_tracks(file.tracks)
    except Exception as error:  # mido raises what it meets in damaged files
        raise ValueError(f"{name} is no MIDI file ({error!r})") from error
    if not 0 < file.ticks_per_beat < 2**15:
        raise ValueError(f"{name} counts seconds, not beats; save it with ticks per quarter note")
    spans, end = _spans(messages, file.ticks_per_beat)
    notes = sorted({note for note, _, _ in spans})
    if not notes:
        raise ValueError(f"{name} holds no note; give a MIDI file with notes")
    if notes[0] < lowest or notes[-1] >= lowest + size:
        raise ValueError(
            f"{name} has notes {notes[0]} to {notes[-1]}; this run's are MIDI {lowest} to"
            f" {lowest + size - 1}: transpose it, or delete the others"
        )
    roll = np.zeros((max(round(end), *(stop for _, _, stop in spans)), size), dtype=np.uint8)
    for note, start, stop in spans:
        roll[start:stop, note - lowest] = 1
    return roll


def _spans(messages: list[Any], ticks: int) -> tuple[list[tuple[int, int, int]], float]:
    """(note, first step, step after the last) of each note; and the end of all, in steps."""
    at = 0
    begun: dict[tuple[int, int], int] = {}
    spans = []
    for message in messages:
        at += message.time
        kind = message.type
        if kind not in ("note_on", "note_off") or message.channel == 9:
            continue
        key = (message.channel, message.note)
        if key in begun:
            start = round(begun.pop(key) / ticks)
            spans.append((key[1], start, max(round(at / ticks), start + 1)))
        if kind == "note_on" and message.velocity:
            begun[key] = at
    return spans, at / ticks
