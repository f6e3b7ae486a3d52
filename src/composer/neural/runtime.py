"""Play a model without torch: ONNX Runtime on a fixed buffer, forward by appending, back by counting less.

Integers and arrays only. One thread uses a decoder at a time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from composer.errors import ModelError

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
TURNS = ("cos", "sin")
"""The names of a graph's tables of rotary positions."""
KEPT = 32
"""Steps of the longest run whose arrays are kept."""


def session(path: Path, threads: int, *, spin: bool = True) -> Any:
    """Return an ONNX Runtime session; `spin` says whether its threads wait actively while a run is under way."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Waiting between two operations is too short to sleep; between two runs the player and the interface need the core.
    waits = ("session.force_spinning_stop", "1") if spin else ("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry(*waits)
    # Processors with AVX2 and no VNNI add two products of eight bits in sixteen, which overflows. With this they are
    # exact; others are so anyway.
    options.add_session_config_entry("session.x64quantprecision", "1")
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Layers:
    """Run one graph over its buffers of keys and values."""

    depends_on_pieces = True
    """Whether what a step becomes depends on those that are given with it."""

    def __init__(
        self,
        path: Path,
        context: int,
        heads: int,
        width: int,
        threads: int,
        turns: Sequence[Floats] = (),
        *,
        spin: bool = True,
    ) -> None:
        """Load a graph; `spin` says whether its threads wait actively while a run is under way.

        `turns` are the tables (context, width / heads / 2) of cosines and sines of a graph with rotary positions. They
        are read at every run: their owner writes into them.
        """
        self.session = session(path, threads, spin=spin)
        self.width = width
        self._make_buffers((1, heads, context, width // heads), turns)

    def twin(self, turns: Sequence[Floats] = ()) -> Layers:
        """Return the same graph, loaded once, over buffers of its own."""
        other = copy(self)
        other._make_buffers(next(iter(self.buffers.values())).shape, turns)
        return other

    def _make_buffers(self, shape: tuple[int, ...], turns: Sequence[Floats]) -> None:
        inputs = [i for i in self.session.get_inputs() if i.name.endswith((".k", ".v"))]
        for i in inputs:
            # A dimension without a number may have any size.
            if any(isinstance(theirs, int) and theirs != ours for theirs, ours in zip(i.shape, shape, strict=True)):
                raise ValueError(f"{i.name} has the shape {i.shape}, config.json asks for {list(shape)}")
        kinds = {np.dtype(np.int8 if "int8" in i.type else np.float32) for i in inputs}
        if len(kinds) != 1:
            raise ValueError(f"keys and values are of {len(kinds)} types, not of one")
        # In one piece they get large pages, which are read faster. They are written to: memory that never was is one
        # page of zeros, which is read faster than it will be, and the rest is taken while music plays.
        whole = np.empty((len(inputs), *shape), kinds.pop())
        whole.fill(0)
        self.buffers = {i.name: buffer for i, buffer in zip(inputs, whole, strict=True)}
        self._last_index, self._total = np.zeros(1, np.int32), np.zeros(1, np.int32)
        tables = dict(zip(TURNS, turns, strict=False))
        for i in self.session.get_inputs():
            if i.name in tables and len(i.shape) != tables[i.name].ndim:
                raise ValueError(
                    f"{i.name} has the shape {i.shape}, the graph is of another version, and"
                    " `composer models convert` writes it anew"
                )
        self._told = {"last_index": self._last_index, "total": self._total} | tables
        self._bound: dict[int, tuple[Any, Floats, Floats]] = {}

    def run(self, x: Floats, past: int) -> Floats:
        """Return the output (steps, C) of steps x (steps, C) that follow `past` steps in the buffers."""
        steps = len(x)
        binding, into, out = self._bound.get(steps) or self._bind(steps)
        into[0], self._last_index[0], self._total[0] = x, past + steps - 1, past + steps
        self.session.run_with_iobinding(binding)
        y: Floats = out[0].copy()
        return y

    def _bind(self, steps: int) -> tuple[Any, Floats, Floats]:
        """Return what holds the arrays of a run of so many steps together, and the arrays of its input and output."""
        binding = self.session.io_binding()
        into, out = (np.empty((1, steps, self.width), np.float32) for _ in range(2))
        given = {"x": into} | self._told | self.buffers
        for bind, arrays in (
            (binding.bind_input, given),
            (binding.bind_output, {"y": out} | {name + ".out": array for name, array in self.buffers.items()}),
        ):
            for name, array in arrays.items():
                bind(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
        if steps <= KEPT:
            # Binding takes as long as an eighth of a step, and blocks of music are of few sizes.
            self._bound[steps] = binding, into, out
        return binding, into, out

    def forget(self, count: int) -> None:
        """Drop the `count` oldest steps from the buffers."""
        for buffer in self.buffers.values():
            buffer[:, :, :-count] = buffer[:, :, count:].copy()


class Decoder:
    """Hold the state of one sequence: `length` steps are in the buffers, the last one's successor is to be chosen."""

    def __init__(self, folder: Path, *, context: int = 512, threads: int = 1, precision: str = "int8") -> None:
        """Load a model folder. Raises ModelError when a file is missing, damaged or of another shape.

        A window of `context` steps is as long as the sequences that models are trained on: a longer one knows no more,
        and its attention costs half a step. One thread decodes as fast as two at this size, and leaves a core to the
        player.
        """
        try:
            self.config = json.loads((folder / "config.json").read_text())
            if "input_rows" not in self.config:
                raise ValueError("it is none of the block vocabulary")
            C, H = int(self.config["n_embd"]), int(self.config["n_head"])
            self.weights = _load_tables(folder / "model.safetensors")
            for name, rows in (
                ("inputs", "input_rows"),
                ("place", "next_rows"),
                ("chord", "chords"),
                ("vel", "velocities"),
            ):
                if (shape := self.weights[name + ".weight"].shape) != (int(self.config[rows]), C):
                    raise ValueError(f"{name} has the shape {shape}, config.json asks for {self.config[rows]} x {C}")
            suffix = ".int8.onnx" if precision == "int8" else ".onnx"
            n = C // H // 4
            self._rates = 10_000.0 ** (-np.arange(n) / n), 2 * np.pi / (24 * 2.0 ** np.arange(n))
            self.context = context
            self._begin()
            self._trunk, self._last = (
                Layers(folder / (name + suffix), context, H, C, threads, self._turns) for name in ("trunk", "last")
            )
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(
                f"the model in {folder} cannot be loaded ({error}); fetch the project's models again or choose another"
            ) from error

    def _begin(self) -> None:
        self.length = 0
        self.forgotten = 0
        self._hidden = np.zeros((self.context, int(self.config["n_embd"])), np.float32)
        self._turns = tuple(np.zeros((self.context, 2 * len(self._rates[0])), np.float32) for _ in TURNS)
        self._last_length = 0
        self._looked: int | None = None

    def twin(self) -> Decoder:
        """Return another decoder of the same model, loaded once, for a sequence of its own."""
        other = copy(self)
        other._begin()
        other._trunk, other._last = (layers.twin(other._turns) for layers in (self._trunk, self._last))
        return other

    def append(self, rows: Ints, places: Ints, times: Ints) -> None:
        """Append events: table rows (N, inputs), their own places (N,) and times in 1/24 quarters (N,).

        Raises ValueError when the buffer is too small; forget() makes room.
        """
        n = len(rows)
        if n == 0:
            return
        if self.length + n > self.context:
            raise ValueError(f"{n} more steps do not fit after {self.length} of {self.context}")
        if self._looked == int(places[0]):
            # The look was at this very event: the last layer has read the step before it already.
            self._last_length = self.length
        self._looked = None
        steps = self.forgotten + self.length + np.arange(n)
        new = slice(self.length, self.length + n)
        angles = np.concatenate([np.outer(steps, self._rates[0]), np.outer(times, self._rates[1])], axis=1)
        for table, turn in zip(self._turns, (np.cos, np.sin), strict=True):
            table[new] = turn(angles)
        self._hidden[new] = self._trunk.run(self.weights["inputs.weight"][rows].sum(axis=1), self.length)
        # The last layer's step t needs the place of event t + 1, so it lags one step behind the trunk.
        lag = slice(self._last_length, self.length + n - 1)
        if lag.stop > lag.start:
            told = places[len(places) - (lag.stop - lag.start) :]
            self._run_last(lag, told)
        self.length += n

    def _run_last(self, where: slice, places: Ints) -> Floats:
        z = self._last.run(self._hidden[where] + self.weights["place.weight"][places], where.start)
        self._last_length = where.stop
        return z

    def rollback(self, length: int) -> None:
        """Go back to the state after `length` steps."""
        self.length = min(self.length, length)
        self._looked = None
        self._last_length = min(self._last_length, max(0, self.length - 1))

    def forget(self, count: int) -> None:
        """Drop the `count` oldest steps; later steps keep what they know of them."""
        self._trunk.forget(count)
        self._last.forget(count)
        for kept in (self._hidden, *self._turns):
            kept[:-count] = kept[count:].copy()
        self.length -= count
        self._looked = None
        self._last_length = max(0, self._last_length - count)
        self.forgotten += count

    # --- what comes next ------------------------------------------------------------------------------------------

    def _linear(self, name: str, x: Floats) -> Floats:
        y: Floats = self.weights[name + ".weight"] @ x
        bias = self.weights.get(name + ".bias")
        if bias is not None:
            y += bias
        return y

    def slots(self) -> tuple[Floats, Floats]:
        """Return the logits of the machine's and of the player's next slot."""
        h = self._hidden[self.length - 1]
        h = h / np.sqrt(np.mean(h * h) + np.finfo(np.float32).eps) * self.weights["norm_trunk.weight"]
        return self._linear("machine", h), self._linear("player", h)

    def look(self, place: int) -> Floats:
        """Return what the last layer knows (C,) of an event that would stand at `place`; undone by the next look."""
        at = slice(self.length - 1, self.length)
        z: Floats = self._run_last(at, np.array([place]))[0]
        # A look is only a question: another event may follow.
        self._last_length, self._looked = self.length - 1, place
        return z

    def chord(self, z: Floats) -> Floats:
        """Return the logits of the block's chord."""
        return self._linear("chord", z)

    def pitch(self, z: Floats, root: int) -> Floats:
        """Return pitch logits; `root` 0..11 of the running chord, 12 for none or drums."""
        logits = self._linear("pitch", z)
        if root < 12:
            logits[:128] += self._linear("degree", z)[(np.arange(128) - root) % 12]
        return logits

    def duration(self, z: Floats, pitch: int) -> Floats:
        """Return duration logits of the note whose pitch (drums from 128) is known."""
        hidden = np.maximum(self._linear("hidden_dur", z + self.weights["pitch_in.weight"][pitch]), 0) ** 2
        return self._linear("dur", hidden)

    def velocity(self, z: Floats, pitch: int, duration: int) -> Floats:
        """Return velocity logits of the note whose pitch and duration class are known."""
        x = z + self.weights["pitch_in.weight"][pitch] + self.weights["dur_in.weight"][duration]
        return self._linear("vel", np.maximum(self._linear("hidden_vel", x), 0) ** 2)


def _load_tables(path: Path) -> dict[str, Floats]:
    from safetensors.numpy import load_file

    weights = {name: value for name, value in load_file(path).items() if not name.startswith("layers.")}
    for name, value in weights.items():
        if not np.isfinite(value).all():
            raise ModelError(f"the weights {name} in {path} are not numbers; fetch the project's models again")
    return weights
