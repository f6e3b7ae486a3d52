"""Our anticipatory transformer, whole: one step a note, harmony first, place before pitch.

The trunk reads the events so far. From its output the model says *where* the next event stands: the place of the
machine's next note or the end of its block, and likewise for the player's. One more causal layer then reads the trunk's
output together with that place and says *what* it is: the chord of the block, or the pitch; duration and velocity
follow from pitch. Pitch logits are a sum of an absolute and a chord-relative table, so that what is learned over one
root holds over all. Rotary positions count steps in one half of each head and musical time in the other, whose periods
are a quarter and its doublings, so that "one bar ago" is one rotation.

Sources: Vaswani et al. (2017); RoFormer, Su et al. (2021); Anticipatory Music Transformer, Thickstun et al. (2024).
B batch, T time (steps), C width, H heads, D width of a head.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

IGNORE = -1


@dataclass(frozen=True, slots=True)
class Config:
    """Hold the shape of a model; saved as config.json beside the weights."""

    n_layer: int = 4
    """Layers in all; the last one reads the place of the next event as well."""
    n_embd: int = 256
    n_head: int = 8
    input_rows: int = 1
    """Rows of the table whose sums embed an event."""
    next_rows: int = 1
    """Rows of the table of places."""
    slots_machine: int = 1
    slots_player: int = 1
    chords: int = 1
    pitches: int = 256
    durations: int = 1
    velocities: int = 16
    dropout: float = 0.0
    """Share of each event's embedding and of what each layer adds that is left out in training."""


def rotary(steps: Tensor, times: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Return cosines and sines (B, T, size / 2): a quarter of the head's width turns by steps, a quarter by time.

    `steps` counts events, `times` 1/24 quarters; both (B, T) integers.
    """
    n = size // 4
    pairs = torch.arange(n, dtype=torch.float64, device=steps.device)
    step_rate = 10_000.0 ** (-pairs / n)
    time_rate = 2 * math.pi / (24 * 2.0**pairs)
    angle = torch.cat([steps[..., None] * step_rate, times[..., None] * time_rate], dim=-1)  # (B, T, D/2)
    return angle.cos().float(), angle.sin().float()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Return x (B, T, H, D) with the pairs (i, i + D/2) turned."""
    a, b = x.chunk(2, dim=-1)
    cos, sin = cos[:, :, None], sin[:, :, None]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1).type_as(x)


class Layer(nn.Module):
    """Attend to what came before, then transform each step: pre-norm, normalised queries and keys, squared ReLU."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        C = config.n_embd
        self.n_head = config.n_head
        self.dropout = config.dropout
        self.norm_1 = nn.RMSNorm(C)
        self.qkv = nn.Linear(C, 3 * C, bias=False)
        self.gain = nn.Parameter(torch.full((config.n_head,), 1.5))  # how sharply each head may look
        self.out = nn.Linear(C, C, bias=False)
        self.norm_2 = nn.RMSNorm(C)
        self.up = nn.Linear(C, 4 * C, bias=False)
        self.down = nn.Linear(4 * C, C, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Return x (B, T, C) after the layer."""
        B, T, C = x.shape
        q, k, v = self.qkv(self.norm_1(x)).view(B, T, 3, self.n_head, C // self.n_head).unbind(2)  # (B, T, H, D)
        D = q.shape[-1]
        q = rotate(F.rms_norm(q, (D,)) * self.gain[:, None].type_as(q), cos, sin)
        k = rotate(F.rms_norm(k, (D,)), cos, sin)
        q, k, v = (t.transpose(1, 2) for t in (q, k, v))  # (B, H, T, D)
        # Dropout inside of the attention would take its fast path away on a CPU.
        y = F.scaled_dot_product_attention(q, k, v.type_as(q), is_causal=True)
        x = x + F.dropout(self.out(y.transpose(1, 2).reshape(B, T, C)), self.dropout, self.training)
        return x + F.dropout(self.down(F.relu(self.up(self.norm_2(x))).square()), self.dropout, self.training)


class Anticipator(nn.Module):
    """Predict the next event of a block sequence, one step a note."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        C = config.n_embd
        self.inputs = nn.EmbeddingBag(config.input_rows, C, mode="sum", padding_idx=0)
        self.place = nn.Embedding(config.next_rows, C)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.n_layer))
        self.norm_trunk = nn.RMSNorm(C)
        self.norm_last = nn.RMSNorm(C)
        self.machine = nn.Linear(C, config.slots_machine)
        self.player = nn.Linear(C, config.slots_player)
        self.chord = nn.Linear(C, config.chords)
        self.pitch = nn.Linear(C, config.pitches)
        self.degree = nn.Linear(C, 12, bias=False)
        self.pitch_in = nn.Embedding(config.pitches, C)
        self.dur_in = nn.Embedding(config.durations, C)
        self.hidden_dur, self.dur = nn.Linear(C, C), nn.Linear(C, config.durations)
        self.hidden_vel, self.vel = nn.Linear(C, C), nn.Linear(C, config.velocities)
        self.apply(self._init)
        for head in (self.machine, self.player, self.chord, self.pitch, self.degree, self.dur, self.vel):
            nn.init.normal_(head.weight, std=0.02)
        with torch.no_grad():
            self.inputs.weight[0] = 0.0
        for name, weight in self.layers.named_parameters():
            if name.endswith(("out.weight", "down.weight")):
                nn.init.zeros_(weight)

    def _init(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=1 / math.sqrt(module.in_features))
        elif isinstance(module, nn.Embedding | nn.EmbeddingBag):
            nn.init.normal_(module.weight, std=0.3)

    def trunk(self, rows: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Return the hidden state (B, T, C) of events given as table rows (B, T, inputs)."""
        B, T, K = rows.shape
        x = self.inputs(rows.reshape(B * T, K)).view(B, T, -1)
        x = F.dropout(x, self.config.dropout, self.training)
        for layer in self.layers[:-1]:
            x = layer(x, cos, sin)
        return x

    def last(self, hidden: Tensor, places: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Return what the last layer knows (B, T, C) once the place (B, T) of each next event is told."""
        return self.norm_last(self.layers[-1](hidden + self.place(places), cos, sin))

    def pitch_logits(self, z: Tensor, root: Tensor) -> Tensor:
        """Return logits (..., pitches); `root` is the running chord's, 12 where none matters (drums, no chord)."""
        pitches = torch.arange(self.config.pitches, device=root.device)
        index = (pitches - root[..., None]) % 12
        relative = self.degree(z).gather(-1, index)
        tonal = (root[..., None] < 12) & (pitches < 128)
        return self.pitch(z) + torch.where(tonal, relative, 0.0)

    def dur_logits(self, z: Tensor, pitch: Tensor) -> Tensor:
        """Return logits (..., durations) of the note whose pitch is known."""
        return self.dur(F.relu(self.hidden_dur(z + self.pitch_in(pitch))).square())

    def vel_logits(self, z: Tensor, pitch: Tensor, dur: Tensor) -> Tensor:
        """Return logits (..., velocities) of the note whose pitch and duration are known."""
        return self.vel(F.relu(self.hidden_vel(z + self.pitch_in(pitch) + self.dur_in(dur))).square())

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the losses, by the name under which torch's parallel training asks for them."""
        return self.losses(batch)

    def losses(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return summed losses in nats and counts for each thing predicted, machine's and player's apart.

        `batch` holds rows (B, T, inputs), steps and times (B, T), places (B, T: the next event's), and the targets of
        composer.tokenizers.blocks (B, T), IGNORE where nothing is asked.
        """
        cos, sin = rotary(batch["steps"], batch["times"], self.config.n_embd // self.config.n_head)
        h = self.trunk(batch["rows"], cos, sin)
        z = self.last(h, batch["places"], cos, sin)
        h = self.norm_trunk(h)
        out: dict[str, Tensor] = {}

        def add(name: str, logits: Tensor, target: Tensor) -> None:
            out[name] = F.cross_entropy(logits.float(), target, reduction="sum") if len(target) else logits.sum() * 0.0
            out["n_" + name] = torch.tensor(float(len(target)))  # on the CPU, where it is read

        for name, head in (("machine", self.machine), ("player", self.player)):
            asked = batch[name] != IGNORE
            add(name, head(h[asked]), batch[name][asked])
        asked = batch["chord"] != IGNORE
        add("chord", self.chord(z[asked]), batch["chord"][asked])
        for kind, prefix in ((2, "m_"), (1, "p_")):
            asked = (batch["of"] == kind) & (batch["pitch"] != IGNORE)
            zs, pitch, dur = z[asked], batch["pitch"][asked], batch["dur"][asked]
            add(prefix + "pitch", self.pitch_logits(zs, batch["root"][asked]), pitch)
            add(prefix + "dur", self.dur_logits(zs, pitch), dur)
            told = batch["vel"][asked] != IGNORE
            add(prefix + "vel", self.vel_logits(zs[told], pitch[told], dur[told]), batch["vel"][asked][told])
        return out
