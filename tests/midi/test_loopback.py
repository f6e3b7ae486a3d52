"""The port within the program."""

import pytest

from composer.errors import PortError
from composer.midi.loopback import LoopbackPort


def test_what_is_sent_arrives_at_once_with_the_time_of_the_clock():
    heard = []
    port = LoopbackPort(lambda data, time: heard.append((data, time)), clock=lambda: 12.5)

    port.send([0x90, 60, 100])

    assert [((0x90, 60, 100), 12.5)] == heard


def test_a_closed_port_is_not_alive_and_takes_nothing():
    port = LoopbackPort(name="cable")
    port.close()
    port.close()

    assert not port.alive()
    with pytest.raises(PortError, match="cable is closed"):
        port.send([0xFA])
