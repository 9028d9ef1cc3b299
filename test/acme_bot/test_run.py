import os
import signal

import pytest

from acme_bot.run import Interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_and_is_remembered(number):
    with Interruption() as interruption:
        assert not interruption.wait()
        os.kill(os.getpid(), number)
        assert interruption.wait(60)
        assert interruption.wait()


def test_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT)
    with Interruption():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
