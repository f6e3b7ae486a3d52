from composer.live.echo import EchoFilter

ON, OFF = bytes((0x91, 60, 80)), bytes((0x81, 60, 64))


def test_what_was_sent_is_recognised_once():
    echo = EchoFilter()
    echo.sent(ON, 1.0)

    assert [True, False] == [echo.is_echo(ON, 1.01), echo.is_echo(ON, 1.02)]


def test_a_player_who_doubles_the_machine_is_heard():
    echo = EchoFilter()
    echo.sent(ON, 1.0)

    assert not echo.is_echo(bytes((0x91, 60, 99)), 1.01)


def test_another_channel_is_no_echo():
    echo = EchoFilter()
    echo.sent(ON, 1.0)

    assert not echo.is_echo(bytes((0x90, 60, 80)), 1.01)


def test_what_comes_late_or_came_before_is_no_echo():
    echo = EchoFilter()
    echo.sent(ON, 1.0)

    assert [False, False] == [echo.is_echo(ON, 0.99), echo.is_echo(ON, 1.3)]


def test_the_end_of_an_echo_is_one_however_long_the_note():
    echo = EchoFilter()
    echo.sent(ON, 1.0)
    echo.is_echo(ON, 1.01)
    echo.sent(OFF, 9.0)

    assert [True, False] == [echo.is_echo(OFF, 9.01), echo.is_echo(OFF, 9.02)]


def test_an_echo_without_an_end_does_not_swallow_the_player_for_ever():
    echo = EchoFilter()
    echo.sent(ON, 1.0)
    echo.is_echo(ON, 1.01)
    echo.sent(OFF, 2.0)

    assert not echo.is_echo(OFF, 2.3)


def test_controls_are_recognised_by_their_bytes():
    echo = EchoFilter()
    echo.sent(bytes((0xB1, 7, 100)), 1.0)

    assert [False, True] == [echo.is_echo(bytes((0xB1, 7, 99)), 1.01), echo.is_echo(bytes((0xB1, 7, 100)), 1.01)]
