"""SIGINT, SIGTERM and SIGHUP have one behaviour."""

import os
import signal
from collections.abc import Iterator

import pytest

from vaetext.runs.signals import SIGNALS, Ending, Interrupted, interrupts, signal_of


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    before = [signal.getsignal(number) for number in SIGNALS]
    yield
    assert [signal.getsignal(number) for number in SIGNALS] == before


@pytest.mark.parametrize("number", SIGNALS)
def test_every_signal_raises_an_interrupt_that_names_it(number: int) -> None:
    with pytest.raises(KeyboardInterrupt) as raised, interrupts(Ending()):
        os.kill(os.getpid(), number)
    assert signal_of(raised.value) == number
    assert str(raised.value) == ""


def test_only_a_second_ctrl_c_cuts_off_what_a_signal_has_begun() -> None:
    ending = Ending()
    with pytest.raises(Interrupted):
        ending(signal.SIGHUP)
    ending(signal.SIGHUP)
    ending(signal.SIGTERM)
    with pytest.raises(Interrupted):
        ending(signal.SIGINT)


def test_a_hangup_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interrupts(Ending()):
            os.kill(os.getpid(), signal.SIGHUP)  # as under nohup
    finally:
        signal.signal(signal.SIGHUP, before)


def test_an_interrupt_of_python_itself_is_sigint() -> None:
    assert signal_of(KeyboardInterrupt()) == signal.SIGINT
