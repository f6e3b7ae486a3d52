"""Whatever happens, in whatever order: the session does not raise, and nothing is left sounding."""

from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import Echo, Stage

from composer.generators.base import ROLES

PITCH = st.integers(58, 62)
SESSION = {
    "start": st.just(()),
    "stop": st.just(()),
    "panic": st.just(()),
    "set_generator": st.tuples(st.sampled_from(["echo", "other", "broken", "nobody"])),
    "set_params": st.just(({},)),
    "set_role": st.tuples(st.sampled_from(ROLES)),
    "set_tempo": st.tuples(st.floats(10, 600)),
    "set_meter": st.tuples(st.integers(1, 7), st.sampled_from([2, 4, 8])),
    "set_sync": st.tuples(st.sampled_from(["internal", "clock"])),
}
COMMANDS = st.one_of(*(st.tuples(st.just(name), arguments) for name, arguments in SESSION.items()))
MESSAGES = st.one_of(
    st.tuples(st.sampled_from([0x80, 0x90, 0x91, 0x99]), PITCH, st.integers(0, 127)),
    st.tuples(st.just(0xB0), st.sampled_from([64, 120, 123]), st.sampled_from([0, 127])),
    st.tuples(st.sampled_from([0xF8, 0xFA, 0xFB, 0xFC])),
    st.tuples(st.just(0xF2), st.integers(0, 127), st.integers(0, 1)),
)
WAITS = st.floats(0, 1.5)
HAPPENINGS = st.lists(
    st.one_of(
        COMMANDS,
        st.tuples(st.just("play"), MESSAGES),
        st.tuples(st.just("wait"), WAITS),
        st.tuples(st.just("kill_worker"), st.just(())),
        st.tuples(st.just("lose"), st.tuples(st.sampled_from(["in", "out"]))),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(HAPPENINGS, st.sampled_from([1, 240, 480]), st.sampled_from(ROLES), st.booleans())
def test_no_note_is_left_sounding_and_nothing_raises(happenings, grid, role, has_net):
    stage = Stage(Echo(grid, 0 if grid == 1 else 40), Echo(1, 0, 90, fails=not has_net), role=role)
    stage.generators |= {"other": Echo(1, 0), "broken": Echo(fails=True)}
    stage.session.start()
    seconds = 0.0
    for name, argument in happenings:
        if name == "wait":
            seconds += argument
            stage.run_to(seconds)
        elif name == "play":
            stage.play(*argument)
        elif name in ("kill_worker", "lose"):
            getattr(stage, name)(*argument)
        else:
            getattr(stage.session, name)(*argument)
            stage.step()
    # A port that is away at the end takes no note-off.
    stage.run_to(seconds + 3)
    stage.session.close()
    stats = stage.session.finish()

    assert set() == stage.sounding()
    assert 0 == stats.sounding_at_exit
    assert not [text for text in stage.session.snapshot().messages if "could not" in text or "stumbled" in text]
