"""What composer.neural.gpt2_kernel needs of the processor and numba has no words for: AVX2's products, and atomics.

Arguments are addresses, and distances and offsets in bytes. Sums are made in the same order whatever stands beside
them, so that what a token becomes does not depend on those read with it.
"""

from __future__ import annotations

from functools import reduce

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from composer.neural.blockwise import BLOCK

CHANNELS = 64
"""The width of a head of attention."""
TILE = 4
"""Tokens that are multiplied together: unpacked weights serve them all, and their sums fit into the registers."""
_AHEAD = 2048
"""Bytes that are fetched ahead of those that are multiplied."""

_I8, _I16, _I32, _I64, _F32 = ir.IntType(8), ir.IntType(16), ir.IntType(32), ir.IntType(64), ir.FloatType()
_BYTES, _WORDS, _INTS, _FLOATS = (ir.VectorType(t, n) for t, n in ((_I8, 32), (_I16, 16), (_I32, 8), (_F32, 8)))


# --- products, in the processor's own operations --------------------------------------------------------------------


def _call(b, name, result, *args):
    kind = ir.FunctionType(result, [arg.type for arg in args])
    return b.call(cgutils.get_or_insert_function(b.module, kind, name), args)


def _at(b, address, offset, kind):
    return b.inttoptr(b.add(address, offset), kind.as_pointer())


def _load(b, address, offset, kind):
    value = b.load(_at(b, address, offset, kind))
    value.align = 1 if kind != _F32 else 4
    return value


def _times(b, number, constant):
    return b.mul(number, _I64(constant))


def _fetch(b, address, offset):
    pointer = _at(b, address, b.add(offset, _I64(_AHEAD)), _I8)
    _call(b, "llvm.prefetch.p0", ir.VoidType(), pointer, _I32(0), _I32(3), _I32(1))


def _everywhere(b, number):
    vector = b.insert_element(_FLOATS(ir.Undefined), number, _I32(0))
    return b.shuffle_vector(vector, vector, ir.VectorType(_I32, 8)([0] * 8))


def _sum(b, vector):
    """Add the eight numbers of a vector, always in the same order."""
    for n in (4, 2, 1):
        low, high = (b.shuffle_vector(vector, vector, ir.VectorType(_I32, n)(list(range(i, i + n)))) for i in (0, n))
        vector = b.fadd(low, high)
    return b.extract_element(vector, _I32(0))


def _multiply_add(b, x, y, z):
    return _call(b, "llvm.fma.v8f32", _FLOATS, x, y, z)


def _pairs(b, unsigned, signed):
    """Multiply bytes and add neighbours, in sixteen bits."""
    return _call(b, "llvm.x86.avx2.pmadd.ub.sw", _WORDS, unsigned, signed)


def _widened(b, words):
    """Add neighbours, in thirty-two bits."""
    return _call(b, "llvm.x86.avx2.pmadd.wd", _INTS, words, _WORDS([1] * 16))


def _nibbles(b, weights, at):
    """Return the 128 weights of a block: those of the lower halves of 32 bytes, of the upper ones, and so on."""
    parts, low = [], _BYTES([15] * 32)
    for offset in (0, 32):
        both = _load(b, weights, b.add(at, _I64(offset)), _BYTES)
        upper = b.bitcast(b.lshr(b.bitcast(both, _WORDS), _WORDS([4] * 16)), _BYTES)
        parts += [b.and_(both, low), b.and_(upper, low)]
    return parts


def _products_of_four_bits(b, parts, inputs, shift):
    """Return eight numbers whose sum is that of weights times inputs; `shift` makes up for codes from 0 up.

    Sixteen bits hold the eight products of nibbles that a block of 128 has for each place.
    """
    words = reduce(b.add, (_pairs(b, weights, x) for weights, x in zip(parts, inputs, strict=True)))
    return b.add(_widened(b, words), shift)


def _products_of_eight_bits(b, parts, inputs):
    def product(weights, x):
        # The sign moves to the input, which is never the one number whose opposite does not exist.
        size = _call(b, "llvm.abs.v32i8", _BYTES, weights, ir.IntType(1)(0))
        return _widened(b, _pairs(b, size, _call(b, "llvm.x86.avx2.psign.b", _BYTES, x, weights)))

    return reduce(b.add, map(product, parts, inputs))


def _make_dot(bits, tile):
    """Return what multiplies a row of weights by the inputs of `tile` tokens.

    Arguments are addresses and distances from token to token in bytes: weights, scales, how many blocks, inputs, their
    scales, their shifts, where the results go; and a bias.
    """

    @intrinsic
    def dot(context, weights, scales, blocks, x, x_step, x_scales, scales_step, shifts, shifts_step, out, step, bias):
        def generate(context, b, signature, args):
            weights, scales, blocks, x, x_step, x_scales, scales_step, shifts, shifts_step, out, step, bias = args
            sums = [cgutils.alloca_once_value(b, _FLOATS([0.0] * 8)) for _ in range(tile)]
            first = [
                [b.add(address, _times(b, distance, t)) for t in range(tile)]
                for address, distance in ((x, x_step), (x_scales, scales_step), (shifts, shifts_step))
            ]
            with cgutils.for_range(b, blocks) as loop:
                i, size = loop.index, BLOCK * bits // 8
                at = _times(b, i, size)
                for line in range(0, size, 64):
                    _fetch(b, weights, b.add(at, _I64(line)))
                if bits == 4:
                    parts = _nibbles(b, weights, at)
                else:
                    parts = [_load(b, weights, b.add(at, _I64(o)), _BYTES) for o in range(0, BLOCK, 32)]
                scale = _load(b, scales, _times(b, i, 4), _F32)
                for t, (x_t, scales_t, shifts_t) in enumerate(zip(*first, strict=True)):
                    inputs = [_load(b, x_t, b.add(_times(b, i, BLOCK), _I64(o)), _BYTES) for o in range(0, BLOCK, 32)]
                    if bits == 4:
                        shift = _load(b, shifts_t, _times(b, i, 32), _INTS)
                        ints = _products_of_four_bits(b, parts, inputs, shift)
                    else:
                        ints = _products_of_eight_bits(b, parts, inputs)
                    both = _everywhere(b, b.fmul(scale, _load(b, scales_t, _times(b, i, 4), _F32)))
                    b.store(_multiply_add(b, b.sitofp(ints, _FLOATS), both, b.load(sums[t])), sums[t])
            for t in range(tile):
                b.store(b.fadd(_sum(b, b.load(sums[t])), bias), _at(b, out, _times(b, step, t), _F32))
            return context.get_dummy_value()

        return types.void(*[types.intp] * 11, types.float32), generate

    return dot


dot_4, dots_4, dot_8, dots_8 = (_make_dot(bits, tile) for bits in (4, 8) for tile in (1, TILE))


def _eight(b, address, offset):
    """Return eight bytes as floats."""
    return b.sitofp(b.sext(_load(b, address, offset, ir.VectorType(_I8, 8)), _INTS), _FLOATS)


def _make_scores(tile):
    """Return what multiplies the queries of `tile` tokens by `n` keys; arguments as those of a dot."""

    @intrinsic
    def scores(context, queries, queries_step, keys, n, out, step):
        def generate(context, b, signature, args):
            queries, queries_step, keys, n, out, step = args
            eighths = range(0, CHANNELS, 8)
            query = [
                [_load(b, queries, b.add(_times(b, queries_step, t), _I64(4 * d)), _FLOATS) for d in eighths]
                for t in range(tile)
            ]
            with cgutils.for_range(b, n) as loop:
                at = _times(b, loop.index, CHANNELS)
                _fetch(b, keys, at)
                # Two sums a token: one would wait for itself.
                sums = [[_FLOATS([0.0] * 8)] * 2 for _ in range(tile)]
                for d in eighths:
                    key = _eight(b, keys, b.add(at, _I64(d)))
                    for t in range(tile):
                        sums[t][d // 8 % 2] = _multiply_add(b, query[t][d // 8], key, sums[t][d // 8 % 2])
                for t in range(tile):
                    place = b.add(_times(b, step, t), _times(b, loop.index, 4))
                    b.store(_sum(b, b.fadd(*sums[t])), _at(b, out, place, _F32))
            return context.get_dummy_value()

        return types.void(*[types.intp] * 6), generate

    return scores


score, scores = _make_scores(1), _make_scores(TILE)


@intrinsic
def mix(context, shares, values, n, scale, out):
    """Add up `n` values by their shares, times a scale."""

    def generate(context, b, signature, args):
        shares, values, n, scale, out = args
        sums = [cgutils.alloca_once_value(b, _FLOATS([0.0] * 8)) for _ in range(0, CHANNELS, 8)]
        with cgutils.for_range(b, n) as loop:
            at = _times(b, loop.index, CHANNELS)
            _fetch(b, values, at)
            share = _everywhere(b, _load(b, shares, _times(b, loop.index, 4), _F32))
            for d, total in enumerate(sums):
                value = _eight(b, values, b.add(at, _I64(8 * d)))
                b.store(_multiply_add(b, share, value, b.load(total)), total)
        for d, total in enumerate(sums):
            scaled = b.fmul(b.load(total), _everywhere(b, scale))
            b.store(scaled, _at(b, out, _I64(32 * d), _FLOATS)).align = 4
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp, types.float32, types.intp), generate


@intrinsic
def float_of_bits(context, number):
    """Return the float that is written in the same bits as an integer."""
    return types.float32(types.int32), lambda context, b, signature, args: b.bitcast(args[0], _F32)


# --- pieces of work, claimed by whoever is free -----------------------------------------------------------------------
# A counter holds the number of the run in its upper bits: a thread that was kept waiting since an earlier one sees that
# it is late, and leaves.

RUN = 12
"""The bits of a counter below the number of the run."""


@intrinsic
def claim(context, counter, run, pieces):
    """Return the next piece that nobody has claimed, -1 if none is left or another run has begun."""

    def generate(context, b, signature, args):
        counter, run, pieces = args
        pointer = b.inttoptr(counter, _I64.as_pointer())
        result = cgutils.alloca_once(b, _I64)
        seek, take, end = (b.append_basic_block(name) for name in ("seek", "take", "end"))
        b.branch(seek)
        b.position_at_end(seek)
        seen = b.load_atomic(pointer, "seq_cst", 8)
        piece = b.and_(seen, _I64(2**RUN - 1))
        late = b.icmp_signed("!=", b.lshr(seen, _I64(RUN)), run)
        over = b.or_(late, b.icmp_signed(">=", piece, pieces))
        b.store(b.select(over, _I64(-1), piece), result)
        b.cbranch(over, end, take)
        b.position_at_end(take)
        swapped = b.cmpxchg(pointer, seen, b.add(seen, _I64(1)), "seq_cst", "seq_cst")
        b.cbranch(b.extract_value(swapped, 1), end, seek)
        b.position_at_end(end)
        return b.load(result)

    return types.intp(types.intp, types.intp, types.intp), generate


@intrinsic
def finish(context, counter):
    """Say that a piece is done."""

    def generate(context, b, signature, args):
        b.atomic_rmw("add", b.inttoptr(args[0], _I64.as_pointer()), _I64(1), "seq_cst")
        return context.get_dummy_value()

    return types.void(types.intp), generate


@intrinsic
def look(context, counter):
    """Return a counter, after a moment in which the core rests."""

    def generate(context, b, signature, args):
        _call(b, "llvm.x86.sse2.pause", ir.VoidType())
        return b.load_atomic(b.inttoptr(args[0], _I64.as_pointer()), "seq_cst", 8)

    return types.intp(types.intp), generate
