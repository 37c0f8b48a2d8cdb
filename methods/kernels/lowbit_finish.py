"""Whole blocks of 64 columns from integer sums or floats to packed codes, without leaving the vector registers.

See `methods.lowbit.finish` for what is computed. Parts that are not wanted have the address 0 or are switched off, and
are jumped over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from methods.kernels.intrinsics import instruction
from methods.kernels.lowbit_sums import store
from methods.kernels.lowbit_values import (
    COLUMNS,
    FLOATS,
    LANES,
    Block,
    Rounded,
    any_nan,
    clamped,
    cleared_behind,
    larger,
    load_bytes,
    load_floats,
    load_integers,
    piece_at,
    splat,
    store_codes,
)

_address, _float, _flag = types.uintp, types.float32, types.boolean


def _scaled(builder: ir.IRBuilder, block: Block, shift: ir.Value, factor: ir.Value) -> Block:
    """(values - shift) * factor."""
    shift, factor = splat(builder, shift), splat(builder, factor)
    return [builder.fmul(builder.fsub(values, shift), factor) for values in block]


def _times(builder: ir.IRBuilder, block: Block, factor: ir.Value) -> Block:
    factor = splat(builder, factor)
    return [builder.fmul(values, factor) for values in block]


class _Held:
    """A block that parts of the kernel may change, or jump over changing."""

    def __init__(self, builder: ir.IRBuilder, block: Block) -> None:
        self._builder = builder
        self._places = [cgutils.alloca_once(builder, FLOATS) for _ in block]
        self.set(block)

    def get(self) -> Block:
        return [self._builder.load(place) for place in self._places]

    def set(self, block: Block) -> None:
        for place, values in zip(self._places, block, strict=True):
            self._builder.store(values, place)

    def add(self, block: Block) -> None:
        self.set([self._builder.fadd(*pair) for pair in zip(self.get(), block, strict=True)])


def _finished(builder: ir.IRBuilder, arguments: list[ir.Value]) -> tuple[Block, ir.Value]:
    """The values of a block before they are written, and whether its float anchor has a NaN: nothing else can."""
    sums, shift, factor, rounds, *rounding, anchor_sums, anchor, anchor_shift, anchor_factor = arguments[:13]
    bias, bias_factor, floor = arguments[13:]
    offset, low, high, zero, after = rounding
    nowhere = sums.type(0)
    bad = cgutils.alloca_once_value(builder, ir.IntType(1)(0))
    builder.store(ir.IntType(1)(0), bad)
    held = _Held(builder, _scaled(builder, load_integers(builder, sums), shift, factor))
    with builder.if_then(rounds):
        rounded = Rounded(*(splat(builder, number) for number in (offset, low, high)))
        held.set(_scaled(builder, [rounded.codes(builder, values) for values in held.get()], zero, after))
    with builder.if_then(builder.icmp_unsigned("!=", anchor_sums, nowhere)):
        held.add(_scaled(builder, load_integers(builder, anchor_sums), anchor_shift, anchor_factor))
    with builder.if_then(builder.icmp_unsigned("!=", anchor, nowhere)):
        given = load_floats(builder, anchor)
        builder.store(any_nan(builder, given), bad)
        held.add(_times(builder, given, anchor_factor))
    with builder.if_then(builder.icmp_unsigned("!=", bias, nowhere)):
        held.add(_times(builder, load_floats(builder, bias), bias_factor))
    floor = splat(builder, floor)
    return [larger(builder, values, floor) for values in held.get()], builder.load(bad)


def _cleared_behind(builder: ir.IRBuilder, block: Block, columns: ir.Value) -> Block:
    """As `cleared_behind`, jumped over where all columns count."""
    held = _Held(builder, block)
    with builder.if_then(builder.icmp_signed("<", columns, columns.type(COLUMNS))):
        held.set(cleared_behind(builder, block, columns))
    return held.get()


_FINISH = (
    _address, _float, _float,  # sums, shift, factor
    _flag, _float, _float, _float, _float, _float,  # whether the aggregate is rounded: offset, low, high, zero, after
    _address, _address, _float, _float,  # sums of a packed anchor or a float anchor: shift, factor
    _address, _float, _float,  # bias, factor, floor
)  # fmt: skip


def _make_finish_codes(bits: int) -> Callable[..., Any]:
    """The instruction that finishes a block and packs it; it gives whether a float anchor has a NaN in it.

    The last of its arguments are offset, low, high, number of columns and target.
    """

    @instruction
    def finish(
        typing_context, sums, shift, factor, rounds, r_offset, r_low, r_high, r_zero, after,
        anchor_sums, anchor, anchor_shift, anchor_factor, bias, bias_factor, floor,
        offset, low, high, columns, target,
    ):  # fmt: skip
        signature = types.boolean(*_FINISH, _float, _float, _float, types.int32, _address)

        def generate(_context, builder, _signature, arguments):
            *given, offset, low, high, columns, target = arguments
            block, bad = _finished(builder, given)
            rounded = Rounded(*(splat(builder, number) for number in (offset, low, high)))
            store_codes(builder, _cleared_behind(builder, block, columns), rounded, bits, target)
            return bad

        return signature, generate

    return finish


finish_2, finish_4, finish_8 = _make_finish_codes(2), _make_finish_codes(4), _make_finish_codes(8)


def _make_finish_floats(streaming: bool) -> Callable[..., Any]:
    """The instruction that finishes a block and writes it as float32; its last argument is the target.

    With `streaming` the target is a multiple of 64 and the caches are left to data that is still needed.
    """

    @instruction
    def finish(
        typing_context, sums, shift, factor, rounds, r_offset, r_low, r_high, r_zero, after,
        anchor_sums, anchor, anchor_shift, anchor_factor, bias, bias_factor, floor, target,
    ):  # fmt: skip
        signature = types.void(*_FINISH, _address)

        def generate(context, builder, _signature, arguments):
            *given, target = arguments
            for piece, values in enumerate(_finished(builder, given)[0]):
                place = piece_at(builder, target, piece)
                if not streaming:
                    store(builder, values, place)
                    continue
                stored = builder.store(values, builder.inttoptr(place, FLOATS.as_pointer()))
                stored.align = 4 * LANES
                stored.set_metadata("nontemporal", builder.module.add_metadata([ir.IntType(32)(1)]))
            return context.get_dummy_value()

        return signature, generate

    return finish


finish_floats, finish_streaming = _make_finish_floats(False), _make_finish_floats(True)


def _make_encode(bits: int) -> Callable[..., Any]:
    """The instruction that rounds a block of float32 times a factor and packs it; it gives whether a value was NaN."""

    @instruction
    def encode(typing_context, values, factor, offset, low, high, columns, target):
        signature = types.boolean(_address, _float, _float, _float, _float, types.int32, _address)

        def generate(_context, builder, _signature, arguments):
            values, factor, offset, low, high, columns, target = arguments
            block = _cleared_behind(builder, load_floats(builder, values), columns)
            rounded = Rounded(*(splat(builder, number) for number in (offset, low, high)))
            store_codes(builder, _times(builder, block, factor), rounded, bits, target)
            return any_nan(builder, block)

        return signature, generate

    return encode


encode_2, encode_4, encode_8 = _make_encode(2), _make_encode(4), _make_encode(8)


@instruction
def recode_8(typing_context, codes, given_low, given_high, zero, factor, offset, low, high, columns, target):
    """Clamp a block of codes in bytes, scale their values and round them to another grid of 8 bits."""
    signature = types.void(_address, *[_float] * 7, types.int32, _address)

    def generate(context, builder, _signature, arguments):
        codes, given_low, given_high, zero, factor, offset, low, high, columns, target = arguments
        ends = [splat(builder, number) for number in (given_low, given_high)]
        within = [clamped(builder, values, *ends) for values in load_bytes(builder, codes)]
        block = _cleared_behind(builder, _scaled(builder, within, zero, factor), columns)
        rounded = Rounded(*(splat(builder, number) for number in (offset, low, high)))
        store_codes(builder, block, rounded, 8, target)
        return context.get_dummy_value()

    return signature, generate
