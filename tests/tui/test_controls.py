from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from composer.generators import GENERATORS, params_type
from composer.generators.base import choice, param, parse_params
from composer.tui.controls import declared, of_generator


@dataclass(frozen=True)
class Declared:
    heat: float = param(0.9, "how hot", 0.0, 2.0, 0.05)
    notes: int = param(4, "how many", 1, 8, 1)
    loud: bool = param(False, "whether it is loud")
    band: str = choice("duo", ("solo", "duo", "trio"), "who plays")
    folder: str = param("", "where the model is")


HEAT, NOTES, LOUD, BAND = declared(Declared, "generator")


def test_a_control_is_its_declaration():
    assert ("heat", "how hot", "0.90", 0.0, 2.0, 0.05) == (
        HEAT.name,
        HEAT.help,
        HEAT.default,
        HEAT.low,
        HEAT.high,
        HEAT.step,
    )


def test_free_text_is_no_control():
    assert ["heat", "notes", "loud", "band"] == [control.name for control in declared(Declared, "generator")]


@pytest.mark.parametrize(
    ("control", "text", "steps", "moved"),
    [
        (HEAT, "0.10", 1, "0.15"),
        (HEAT, "1.95", 5, "2.00"),
        (HEAT, "0.00", -1, "0.00"),
        (NOTES, "4", 2, "6"),
        (LOUD, "false", 1, "true"),
        (LOUD, "true", 1, "false"),
        (BAND, "trio", 1, "solo"),
        (BAND, "solo", -1, "trio"),
    ],
)
def test_steps_stay_within_the_range_and_choices_go_round(control, text, steps, moved):
    assert moved == control.moved(text, steps)


@pytest.mark.parametrize(("share", "value"), [(0.0, "1"), (0.5, "5"), (1.0, "8"), (7.0, "8")])
def test_a_share_of_the_range_is_a_value(share, value):
    assert value == NOTES.at(share)


@pytest.mark.parametrize("name", GENERATORS)
# The first example imports the generator, however long that takes.
@settings(deadline=None)
@given(share=st.floats(0, 1), steps=st.integers(-300, 300))
def test_every_value_of_every_control_is_taken_by_the_generator(name, share, steps):
    for control in of_generator(name):
        for text in (control.at(share), control.moved(control.at(share), steps), control.default):
            parse_params(params_type(name), {control.name: text})


@pytest.mark.parametrize("name", GENERATORS)
def test_every_generator_can_be_controlled(name):
    assert of_generator(name)
