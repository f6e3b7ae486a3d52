"""The user's settings and presets: one TOML file in the platform's configuration folder.

tempo = 96.0                    what every session begins with, unless a preset or a flag says otherwise

[presets.evening]               a preset is a set of the same settings with a name
generator = "markov"
params = {order = "2"}
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from composer.errors import FileError, UsageError
from composer.live.settings import Settings

KEPT = (
    "generator",
    "params",
    "steering",
    "role",
    "in_port",
    "out_port",
    "api",
    "sync",
    "tempo",
    "meter",
    "count_in",
    "commit",
    "lookahead",
    "seed",
)
"""The settings of a session that a file can hold; the others are of one run."""
_DEFAULTS = Settings()
_NUMBERS = {"tempo", "commit", "lookahead"}
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Preferences:
    """Hold settings by name, as in KEPT, presets of such settings by name, and what was wrong with the file."""

    settings: Values = field(default_factory=lambda: MappingProxyType({}))
    presets: Mapping[str, Values] = field(default_factory=lambda: MappingProxyType({}))
    notice: str = ""
    """One sentence for the user when the file could not be used, else empty."""

    def values(self, preset: str | None = None) -> dict[str, Any]:
        """Return the settings with those of `preset` above them; UsageError names the presets there are."""
        if preset is not None and preset not in self.presets:
            there = f"the presets are {', '.join(sorted(self.presets))}" if self.presets else "none has been saved yet"
            raise UsageError(f"there is no preset {preset!r}; {there}")
        above = self.presets[preset] if preset is not None else {}
        below = dict(self.settings)
        if "generator" in above:
            # The parameters of one generator mean nothing to another.
            below.pop("params", None)
        return {**below, **above}

    def with_preset(self, name: str, values: Values) -> Preferences:
        """Return a copy in which `values` can be recalled as `name`; UsageError when that is no name."""
        if not name.strip() or not name.isprintable():
            raise UsageError("a preset needs a name of letters that can be seen")
        return replace(self, presets={**self.presets, name.strip(): _checked(values)})

    def without_preset(self, name: str) -> Preferences:
        """Return a copy without the preset `name`."""
        return replace(self, presets={key: values for key, values in self.presets.items() if key != name})


def folder() -> Path:
    """Return the folder of the user's settings, which may not exist yet; COMPOSER_CONFIG names another."""
    if named := os.environ.get("COMPOSER_CONFIG"):
        return Path(named)
    from platformdirs import user_config_path

    return user_config_path("composer")


def place() -> Path:
    """Return where the file of settings is or would be."""
    return folder() / "settings.toml"


def read() -> Preferences:
    """Return what the file says, or nothing where there is none.

    A file that cannot be used is put aside under another name, never thrown away; `notice` says so and what it holds
    no more: the defaults are in force.
    """
    path = place()
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        presets = found.pop("presets", {})
        if not isinstance(presets, dict) or not all(isinstance(values, dict) for values in presets.values()):
            raise ValueError("presets are tables")
        return Preferences(_checked(found), {name: _checked(values) for name, values in presets.items()})
    except FileNotFoundError:
        return Preferences()
    except OSError as error:
        return Preferences(notice=f"the settings in {path} cannot be read ({error.strerror}); the defaults are used")
    except (ValueError, UsageError) as error:
        return Preferences(notice=f"the settings in {path} are damaged ({error}); {_put_aside(path)}")


def save(preferences: Preferences) -> None:
    """Write the file, whole or not at all; FileError when that cannot be."""
    lines = [f"{name} = {_toml(value)}" for name, value in preferences.settings.items()]
    for name, values in preferences.presets.items():
        lines += ["", f"[presets.{_toml(name)}]", *(f"{key} = {_toml(value)}" for key, value in values.items())]
    keep("the settings", "\n".join(lines) + "\n", place())


def keep(what: str, text: str, path: Path) -> None:
    """Write a file of the configuration folder, whole or not at all; FileError says that `what` cannot be kept."""
    from composer.midi.files import save as save_whole

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"{what} cannot be kept in {path.parent}: {error.strerror}; set COMPOSER_CONFIG") from error
    save_whole(text.encode(), path, force=True)


def apply(settings: Settings, values: Values) -> Settings:
    """Return `settings` with `values` instead of their own; UsageError says which one is out of range."""
    return replace(settings, **_checked(values))


def of(settings: Settings) -> dict[str, Any]:
    """Return what a file can hold of `settings`, without what is the default anyway."""
    values = {name: getattr(settings, name) for name in KEPT}
    return {name: value for name, value in values.items() if value != getattr(_DEFAULTS, name)}


def _checked(values: Values) -> dict[str, Any]:
    """Return `values` as a session takes them; UsageError names the first that it would not."""
    checked = {}
    for name, value in values.items():
        if name not in KEPT:
            raise UsageError(f"there is no setting {name!r}; the settings are {', '.join(KEPT)}")
        checked[name] = _typed(name, value)
    Settings(**checked)
    return checked


def _typed(name: str, value: Any) -> Any:
    kinds: dict[str, type] = {"params": Mapping, "steering": Mapping, "seed": int, "count_in": int}
    if name in _NUMBERS and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if name == "meter" and isinstance(value, list | tuple) and len(value) == 2 and all(type(n) is int for n in value):
        return (value[0], value[1])
    if kinds.get(name) is Mapping and isinstance(value, Mapping):
        return {str(key): str(text) for key, text in value.items()}
    if name not in _NUMBERS and name != "meter" and type(value) is not bool and isinstance(value, kinds.get(name, str)):
        return value
    raise UsageError(f"the setting {name} cannot be {value!r}")


def _put_aside(path: Path) -> str:
    aside = path.with_name(f"{path.name}.damaged")
    number = 2
    while aside.exists():
        aside, number = path.with_name(f"{path.name}.damaged-{number}"), number + 1
    try:
        path.rename(aside)
    except OSError:
        return "the defaults are used; mend or remove the file"
    return f"the defaults are used, and the file is kept as {aside.name}"


def _toml(value: Any) -> str:
    if isinstance(value, str):
        # JSON's strings are TOML's but for the one control character that JSON lets pass.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_toml(str(key))} = {_toml(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return repr(value)


__all__ = ["KEPT", "Preferences", "apply", "folder", "of", "place", "read", "save"]
