"""Vectors of 16 lanes between integer sums, float32 values and packed codes; 64 columns make a block.

The functions write instructions into a kernel that is being built. Products are rounded before they are added, so that
the definition in torch gives the same bits. Addresses are counted in bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types

from methods.kernels.intrinsics import instruction
from methods.kernels.lowbit_sums import constant, interleaved, load, planes, store

COLUMNS = 64
LANES = 16
PIECES = range(COLUMNS // LANES)

_I8, _I32, _I64 = (ir.IntType(bits) for bits in (8, 32, 64))
FLOATS = ir.VectorType(ir.FloatType(), LANES)
INTEGERS = ir.VectorType(_I32, LANES)

Block = list[ir.Value]
"""The values of a block, one vector a piece."""


_WHOLE = 12582912.0
"""1.5 * 2^23: a float32 added to it keeps no bits behind the point, and its lowest byte is the number itself."""


class Rounded(NamedTuple):
    """Vectors of what a rounding needs: clamp(round(value + offset), low, high)."""

    offset: ir.Value
    low: ir.Value
    high: ir.Value

    def codes(self, builder: ir.IRBuilder, values: ir.Value) -> ir.Value:
        """Codes as floats; a half goes to the even one."""
        return lowered(builder, self._raised(builder, values))

    def code_bytes(self, builder: ir.IRBuilder, values: ir.Value) -> ir.Value:
        """Codes as bytes."""
        whole = builder.bitcast(self._raised(builder, values), INTEGERS)
        return builder.trunc(whole, ir.VectorType(_I8, LANES))

    def _raised(self, builder: ir.IRBuilder, values: ir.Value) -> ir.Value:
        rounded = raised(builder, builder.fadd(values, self.offset))
        return clamped(builder, rounded, raised(builder, self.low), raised(builder, self.high))


def raised(builder: ir.IRBuilder, values: ir.Value) -> ir.Value:
    """Values rounded to whole numbers, above `_WHOLE`: in one addition, where instructions for rounding take three."""
    return builder.fadd(values, constant(FLOATS, _WHOLE))


def lowered(builder: ir.IRBuilder, values: ir.Value) -> ir.Value:
    """Whole numbers above `_WHOLE` as themselves."""
    return builder.fsub(values, constant(FLOATS, _WHOLE))


def splat(builder: ir.IRBuilder, scalar: ir.Value) -> ir.Value:
    """A vector whose lanes are all one number."""
    undefined = ir.Constant(FLOATS, ir.Undefined)
    first = builder.insert_element(undefined, scalar, _I32(0))
    return builder.shuffle_vector(first, undefined, constant(INTEGERS, 0))


def larger(builder: ir.IRBuilder, values: ir.Value, floor: ir.Value) -> ir.Value:
    """max(values, floor); a NaN stays one."""
    return builder.select(builder.fcmp_ordered("<", values, floor), floor, values)


def clamped(builder: ir.IRBuilder, values: ir.Value, low: ir.Value, high: ir.Value) -> ir.Value:
    """min(max(values, low), high)."""
    raised = larger(builder, values, low)
    return builder.select(builder.fcmp_ordered(">", raised, high), high, raised)


def piece_at(builder: ir.IRBuilder, address: ir.Value, piece: int) -> ir.Value:
    """Where a piece of a block of 4-byte numbers lies."""
    return builder.add(address, _I64(4 * LANES * piece))


def load_floats(builder: ir.IRBuilder, address: ir.Value) -> Block:
    """64 float32."""
    return [load(builder, piece_at(builder, address, piece), FLOATS) for piece in PIECES]


def load_integers(builder: ir.IRBuilder, address: ir.Value) -> Block:
    """64 int32 as floats."""
    return [builder.sitofp(load(builder, piece_at(builder, address, piece), INTEGERS), FLOATS) for piece in PIECES]


def load_bytes(builder: ir.IRBuilder, address: ir.Value) -> Block:
    """64 unsigned bytes as floats."""
    kind = ir.VectorType(_I8, LANES)
    pieces = [load(builder, builder.add(address, _I64(LANES * piece)), kind) for piece in PIECES]
    return [builder.sitofp(builder.zext(piece, INTEGERS), FLOATS) for piece in pieces]


def any_nan(builder: ir.IRBuilder, block: Block) -> ir.Value:
    """Whether a value is NaN."""
    found = builder.fcmp_unordered("uno", block[0], block[0])
    for values in block[1:]:
        found = builder.or_(found, builder.fcmp_unordered("uno", values, values))
    mask = builder.bitcast(found, ir.IntType(LANES))
    return builder.icmp_unsigned("!=", mask, ir.IntType(LANES)(0))


def cleared_behind(builder: ir.IRBuilder, block: Block, columns: ir.Value) -> Block:
    """The block with 0 from a column (int32) on, so that a packed row ends with codes of 0."""
    undefined = ir.Constant(INTEGERS, ir.Undefined)
    first = builder.insert_element(undefined, columns, _I32(0))
    count = builder.shuffle_vector(first, undefined, constant(INTEGERS, 0))
    lanes = [ir.Constant(INTEGERS, list(range(LANES * piece, LANES * (piece + 1)))) for piece in PIECES]
    return [
        builder.select(builder.icmp_signed("<", number, count), values, constant(FLOATS, 0.0))
        for number, values in zip(lanes, block, strict=True)
    ]


def store_codes(builder: ir.IRBuilder, block: Block, rounded: Rounded, bits: int, address: ir.Value) -> None:
    """Round a block and pack it into 8 * `bits` bytes."""
    pack_bytes(builder, _joined(builder, [rounded.code_bytes(builder, values) for values in block]), bits, address)


def pack_bytes(builder: ir.IRBuilder, joined: ir.Value, bits: int, address: ir.Value) -> None:
    """Pack 64 codes in bytes into 8 * `bits` bytes."""
    # the codes of one byte lie side by side in a word: move them together and keep its lowest byte
    per_byte = 8 // bits
    if per_byte > 1:
        word = ir.VectorType(ir.IntType(8 * per_byte), COLUMNS // per_byte)
        words = joined = builder.bitcast(joined, word)
        for place in range(1, per_byte):
            joined = builder.or_(joined, builder.lshr(words, constant(word, (8 - bits) * place)))
        joined = builder.trunc(joined, ir.VectorType(_I8, COLUMNS // per_byte))
    store(builder, joined, address)


def _joined(builder: ir.IRBuilder, pieces: list[ir.Value]) -> ir.Value:
    """Vectors one after the other."""
    while len(pieces) > 1:
        count = 2 * pieces[0].type.count
        lanes = ir.Constant(ir.VectorType(_I32, count), list(range(count)))
        pieces = [
            builder.shuffle_vector(left, right, lanes) for left, right in zip(pieces[::2], pieces[1::2], strict=True)
        ]
    return pieces[0]


def _make_spread(bits: int) -> Callable[..., Any]:
    """The instruction that unpacks 8 * `bits` bytes into 64 bytes, one code each; `bits` is 2 or 4."""

    @instruction
    def spread(typing_context, packed, codes):
        signature = types.void(types.uintp, types.uintp)

        def generate(context, builder, _signature, arguments):
            packed, codes = arguments
            parts = planes(builder, load(builder, packed, ir.VectorType(_I8, 8 * bits)), bits)
            if len(parts) == 4:
                parts = [interleaved(builder, parts[0], parts[2]), interleaved(builder, parts[1], parts[3])]
            store(builder, interleaved(builder, *parts), codes)
            return context.get_dummy_value()

        return signature, generate

    return spread


spread_2, spread_4 = _make_spread(2), _make_spread(4)


def _make_copy(size: int) -> Callable[..., Any]:
    @instruction
    def copy(typing_context, source, target):
        signature = types.void(types.uintp, types.uintp)

        def generate(context, builder, _signature, arguments):
            store(builder, load(builder, arguments[0], ir.VectorType(_I8, size)), arguments[1])
            return context.get_dummy_value()

        return signature, generate

    return copy


copy_64, copy_8, copy_1 = _make_copy(64), _make_copy(8), _make_copy(1)


@instruction
def put_integer(typing_context, address, value):
    """Write one int32."""
    signature = types.void(types.uintp, types.int32)

    def generate(context, builder, _signature, arguments):
        builder.store(arguments[1], builder.inttoptr(arguments[0], _I32.as_pointer()))
        return context.get_dummy_value()

    return signature, generate


@instruction
def clear(typing_context, address):
    """Set a block of float32 to 0."""
    signature = types.void(types.uintp)

    def generate(context, builder, _signature, arguments):
        for piece in PIECES:
            store(builder, constant(FLOATS, 0.0), piece_at(builder, arguments[0], piece))
        return context.get_dummy_value()

    return signature, generate
