"""Codes in bytes moved to a grid of 2 or 4 bits by comparing them with the few codes at which the new code grows.

A new code never falls while the old one grows, so that it is a count of thresholds passed. Comparing bytes takes a
quarter of the instructions of going through float32, and gives the same codes, because the thresholds are found with
the float32 arithmetic itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils

from methods.kernels.intrinsics import instruction
from methods.kernels.lowbit_sums import constant, load, store
from methods.kernels.lowbit_values import (
    COLUMNS,
    FLOATS,
    INTEGERS,
    LANES,
    clamped,
    lowered,
    pack_bytes,
    raised,
    splat,
)

_I8, _I32, _I64 = (ir.IntType(bits) for bits in (8, 32, 64))
_BYTES = ir.VectorType(_I8, COLUMNS)
_STEPS = (128, 64, 32, 16, 8, 4, 2, 1, 1)  # of a binary search for 0 to 256
_TRIED = 4
_NEVER = 512.0

_address, _float = types.uintp, types.float32
_NUMBERS = (_float,) * 7  # given_low, given_high, zero, factor, offset, low, high


class _Codes(NamedTuple):
    """The codes above the smallest one, a lane each, and what decides whether a byte reaches them."""

    given_low: ir.Value
    given_high: ir.Value
    zero: ir.Value
    factor: ir.Value
    offset: ir.Value
    low: ir.Value
    high: ir.Value

    def numbers(self, builder: ir.IRBuilder) -> ir.Value:
        return builder.fadd(self.low, ir.Constant(FLOATS, [1.0 + lane for lane in range(LANES)]))

    def missed_by(self, builder: ir.IRBuilder, byte: ir.Value) -> ir.Value:
        """Whether a byte of each lane stays below the lane's code."""
        value = builder.fsub(clamped(builder, byte, self.given_low, self.given_high), self.zero)
        value = builder.fadd(builder.fmul(value, self.factor), self.offset)
        return builder.fcmp_ordered("<", raised(builder, value), raised(builder, self.numbers(builder)))

    def write(self, builder: ir.IRBuilder, below: ir.Value, target: ir.Value) -> ir.Value:
        """Store the largest byte that misses each code, 255 where all or none do; gives how many codes none misses."""
        below = builder.select(
            builder.fcmp_ordered(">", self.numbers(builder), self.high), constant(FLOATS, _NEVER), below
        )
        largest = builder.fptosi(builder.fsub(below, constant(FLOATS, 1.0)), INTEGERS)
        store(builder, builder.trunc(largest, ir.VectorType(_I8, LANES)), target)
        reached = builder.bitcast(builder.fcmp_ordered("<", below, constant(FLOATS, 1.0)), ir.IntType(LANES))
        return builder.zext(builder.ctpop(reached), _I32)


@instruction
def search_thresholds(typing_context, given_low, given_high, zero, factor, offset, low, high, target):
    """Write for each code k above `low` the largest byte that stays below k; for 16 codes, one byte each.

    A byte c has the code clamp(round((clamp(c, given_low, given_high) - zero) * factor + offset), low, high), with
    `factor` not negative. Gives how many codes every byte reaches; these and those that no byte reaches have 255.
    """
    signature = types.int32(*_NUMBERS, _address)

    def generate(_context, builder, _signature, arguments):
        *numbers, target = arguments
        codes = _Codes(*(splat(builder, number) for number in numbers))
        below = constant(FLOATS, 0.0)
        for step in _STEPS:
            further = builder.fadd(below, constant(FLOATS, float(step)))
            missed = codes.missed_by(builder, builder.fsub(further, constant(FLOATS, 1.0)))
            below = builder.select(missed, further, below)
        return codes.write(builder, below, target)

    return signature, generate


@instruction
def solve_thresholds(typing_context, given_low, given_high, zero, factor, offset, low, high, target):
    """As `search_thresholds`, faster: solves for the byte and tries it and its neighbours.

    `factor` must be so large that rounding errors of a code are less than `factor`.
    """
    signature = types.int32(*_NUMBERS, _address)

    def generate(_context, builder, _signature, arguments):
        *numbers, target = arguments
        codes = _Codes(*(splat(builder, number) for number in numbers))
        border = builder.fsub(builder.fsub(codes.numbers(builder), constant(FLOATS, 0.5)), codes.offset)
        border = builder.fadd(builder.fdiv(border, codes.factor), codes.zero)
        first = raised(builder, builder.fsub(border, constant(FLOATS, _TRIED / 2)))
        first = clamped(builder, lowered(builder, first), constant(FLOATS, 0.0), constant(FLOATS, 256.0 - _TRIED))
        below = first
        for tried in range(_TRIED):
            missed = codes.missed_by(builder, builder.fadd(first, constant(FLOATS, float(tried))))
            below = builder.select(missed, builder.fadd(below, constant(FLOATS, 1.0)), below)
        # the border may lie beyond the bytes, or where they are clamped
        below = builder.select(codes.missed_by(builder, constant(FLOATS, 255.0)), constant(FLOATS, 256.0), below)
        below = builder.select(codes.missed_by(builder, constant(FLOATS, 0.0)), below, constant(FLOATS, 0.0))
        return codes.write(builder, below, target)

    return signature, generate


def _make_recode(bits: int) -> Callable[..., Any]:
    """The instruction that moves a block of 64 bytes to codes of `bits` bits and packs them.

    Its arguments are the bytes, the thresholds, the code of a byte that passes none, the code of 0, which fills the
    block up from a column on, and where the packed block goes.
    """

    @instruction
    def recode(typing_context, codes, thresholds, start, filler, columns, target):
        signature = types.void(_address, _address, types.uint8, types.uint8, types.int32, _address)

        def generate(context, builder, _signature, arguments):
            codes, thresholds, start, filler, columns, target = arguments
            given, found = load(builder, codes, _BYTES), _filled(builder, start)
            for code in range(2**bits - 1):
                place = builder.inttoptr(builder.add(thresholds, _I64(code)), _I8.as_pointer())
                passed = builder.icmp_unsigned(">", given, _filled(builder, builder.load(place)))
                found = builder.add(found, builder.zext(passed, _BYTES))
            held = cgutils.alloca_once_value(builder, found)
            builder.store(found, held)
            with builder.if_then(builder.icmp_signed("<", columns, columns.type(COLUMNS))):
                numbers = ir.Constant(_BYTES, list(range(COLUMNS)))
                counts = builder.icmp_unsigned("<", numbers, _filled(builder, builder.trunc(columns, _I8)))
                builder.store(builder.select(counts, found, _filled(builder, filler)), held)
            pack_bytes(builder, builder.load(held), bits, target)
            return context.get_dummy_value()

        return signature, generate

    return recode


def _filled(builder: ir.IRBuilder, byte: ir.Value) -> ir.Value:
    undefined = ir.Constant(_BYTES, ir.Undefined)
    first = builder.insert_element(undefined, byte, _I32(0))
    return builder.shuffle_vector(first, undefined, constant(ir.VectorType(_I32, COLUMNS), 0))


recode_2, recode_4 = _make_recode(2), _make_recode(4)
