"""Sums of packed rows, written as vector instructions that LLVM has for every processor.

A block of a row is 16, 32 or 64 bytes. Its codes are spread over planes: plane k holds the k-th code of every byte (of
every 16-bit word at 8 bits), so that one addition adds a code of every byte. Sums stay in bytes (words at 8 bits) as
long as they cannot overflow, then go to int32 in the order of the columns. Addresses are counted in bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils

from methods.kernels.intrinsics import instruction

CAPACITY = {2: 85, 4: 17, 8: 257}
"""Rows that one call may add: so many times the largest code fits into a byte (a word at 8 bits)."""

_ADDED_AS_NIBBLES = 4  # codes of 2 bits are added in fours as nibbles first: 4 * 3 < 16
_LANES = 16

_I8, _I16, _I32, _I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))


def constant(kind: ir.VectorType, value: float) -> ir.Constant:
    """A vector whose lanes are all `value`."""
    return ir.Constant(kind, [value] * kind.count)


def load(builder: ir.IRBuilder, address: ir.Value, kind: ir.VectorType) -> ir.Value:
    """The vector at an address, aligned or not."""
    loaded = builder.load(builder.inttoptr(address, kind.as_pointer()))
    loaded.align = 1
    return loaded


def store(builder: ir.IRBuilder, value: ir.Value, address: ir.Value) -> None:
    """Write a vector to an address, aligned or not."""
    stored = builder.store(value, builder.inttoptr(address, value.type.as_pointer()))
    stored.align = 1


def interleaved(builder: ir.IRBuilder, left: ir.Value, right: ir.Value) -> ir.Value:
    """left[0], right[0], left[1], right[1], ..."""
    count = left.type.count
    lanes = [lane for pair in range(count) for lane in (pair, count + pair)]
    return builder.shuffle_vector(left, right, ir.Constant(ir.VectorType(_I32, 2 * count), lanes))


def part(builder: ir.IRBuilder, vector: ir.Value, start: int, count: int) -> ir.Value:
    """Lanes start to start + count."""
    if count == vector.type.count:
        return vector
    undefined = ir.Constant(vector.type, ir.Undefined)
    lanes = ir.Constant(ir.VectorType(_I32, count), list(range(start, start + count)))
    return builder.shuffle_vector(vector, undefined, lanes)


def planes(builder: ir.IRBuilder, block: ir.Value, bits: int) -> list[ir.Value]:
    """The codes of a block of bytes by their place in the byte (in the word at 8 bits)."""
    if bits == 8:
        block = builder.bitcast(block, ir.VectorType(_I16, block.type.count // 2))
    kind, count = block.type, 16 // bits if bits == 8 else 8 // bits
    shifted = [builder.lshr(block, constant(kind, bits * place)) if place else block for place in range(count)]
    mask = constant(kind, 2**bits - 1)
    return [*(builder.and_(plane, mask) for plane in shifted[:-1]), shifted[-1]]


def _nibble_sums(builder: ir.IRBuilder, blocks: list[ir.Value]) -> list[ir.Value]:
    """Planes of the summed 2-bit codes of a few blocks."""
    kind = blocks[0].type
    nibbles = constant(kind, 0x33)
    even = [builder.and_(block, nibbles) for block in blocks]
    odd = [builder.and_(builder.lshr(block, constant(kind, 2)), nibbles) for block in blocks]
    low, high = (_total(builder, side) for side in (even, odd))
    first, third = planes(builder, low, 4)
    second, fourth = planes(builder, high, 4)
    return [first, second, third, fourth]


def _total(builder: ir.IRBuilder, vectors: list[ir.Value]) -> ir.Value:
    total = vectors[0]
    for vector in vectors[1:]:
        total = builder.add(total, vector)
    return total


def _columns(builder: ir.IRBuilder, sums: list[ir.Value]) -> list[ir.Value]:
    """Sums by plane in the order of the columns, int32 in pieces of 16 lanes."""
    pieces = []
    for start in range(0, sums[0].type.count, _LANES):
        width = min(_LANES, sums[0].type.count)
        mixed = [part(builder, plane, start, width) for plane in sums]
        if len(mixed) == 4:
            mixed = [interleaved(builder, mixed[0], mixed[2]), interleaved(builder, mixed[1], mixed[3])]
        ordered = interleaved(builder, *mixed)
        for lane in range(0, ordered.type.count, _LANES):
            piece = part(builder, ordered, lane, _LANES)
            pieces.append(builder.zext(piece, ir.VectorType(_I32, _LANES)))
    return pieces


def _sum_function(module: ir.Module, bits: int, size: int) -> ir.Function:
    """The function that adds one block of `size` bytes of several rows into int32 sums; see `make_sum`.

    It is a function of its own, because a caller with all sizes in its loop would load the constants of all of them.
    """
    name = f"leangnn_sum_{bits}_{size}"
    if name in module.globals:
        return module.globals[name]
    kind = ir.FunctionType(ir.VoidType(), [_I64] * 8 + [ir.IntType(1)])
    function = ir.Function(module, kind, name)
    function.linkage = "internal"
    function.attributes.add("noinline")
    builder = ir.IRBuilder(function.append_basic_block())
    table, tail, tail_begins, stride, indices, begin, end, sums, first = function.args
    block_kind = ir.VectorType(_I8, size)

    def block(entry: ir.Value) -> ir.Value:
        pointer = builder.inttoptr(builder.add(indices, builder.shl(entry, _I64(2))), _I32.as_pointer())
        row = builder.sext(builder.load(pointer), _I64)
        base = builder.select(builder.icmp_signed("<", row, tail_begins), table, tail)
        return load(builder, builder.add(base, builder.mul(row, stride)), block_kind)

    plane_kind, count = (ir.VectorType(_I16, size // 2), 2) if bits == 8 else (block_kind, 8 // bits)
    held = [cgutils.alloca_once_value(builder, constant(plane_kind, 0)) for _ in range(count)]

    def add(values: list[ir.Value]) -> None:
        for place, value in zip(held, values, strict=True):
            builder.store(builder.add(builder.load(place), value), place)

    start = begin
    if bits == 2:
        groups = builder.udiv(builder.sub(end, begin), _I64(_ADDED_AS_NIBBLES))
        with cgutils.for_range(builder, groups, intp=_I64) as loop:
            entry = builder.add(begin, builder.mul(loop.index, _I64(_ADDED_AS_NIBBLES)))
            add(_nibble_sums(builder, [block(builder.add(entry, _I64(ahead))) for ahead in range(_ADDED_AS_NIBBLES)]))
        start = builder.add(begin, builder.mul(groups, _I64(_ADDED_AS_NIBBLES)))
    with cgutils.for_range(builder, builder.sub(end, start), intp=_I64) as loop:
        add(planes(builder, block(builder.add(start, loop.index)), bits))
    _write_sums(builder, [builder.load(place) for place in held], sums, first)
    builder.ret_void()
    return function


def _write_sums(builder: ir.IRBuilder, sums: list[ir.Value], address: ir.Value, first: ir.Value) -> None:
    """Replace int32 sums if these are the first ones, else add to them."""
    pieces = _columns(builder, sums)
    places = [builder.add(address, _I64(4 * _LANES * piece)) for piece in range(len(pieces))]
    with builder.if_else(first) as (replace, accumulate):
        with replace:
            for piece, place in zip(pieces, places, strict=True):
                store(builder, piece, place)
        with accumulate:
            for piece, place in zip(pieces, places, strict=True):
                store(builder, builder.add(load(builder, place, piece.type), piece), place)


def make_sum(bits: int, size: int) -> Callable[..., Any]:
    """The instruction that adds one block of `size` bytes of several rows into int32 sums.

    Its arguments: addresses of the block in row 0 of the table and of the row that stands for row 0 of the tail, the
    first row that lies in the tail, bytes between rows, address of the int32 row numbers, their range, address of the
    sums, and whether these are the first ones, which replace what is there.
    """

    @instruction
    def sum_block(typing_context, table, tail, tail_begins, stride, indices, begin, end, sums, first):
        signature = types.void(
            types.uintp, types.uintp, types.int64, types.int64,
            types.uintp, types.int64, types.int64, types.uintp, types.boolean,
        )  # fmt: skip

        def generate(context, builder, _signature, arguments):
            builder.call(_sum_function(builder.module, bits, size), arguments)
            return context.get_dummy_value()

        return signature, generate

    return sum_block


_sum_2_16, _sum_2_32, _sum_2_64 = make_sum(2, 16), make_sum(2, 32), make_sum(2, 64)
_sum_4_16, _sum_4_32, _sum_4_64 = make_sum(4, 16), make_sum(4, 32), make_sum(4, 64)
_sum_8_16, _sum_8_32, _sum_8_64 = make_sum(8, 16), make_sum(8, 32), make_sum(8, 64)


@numba.njit(inline="always")
def block_size(remaining):
    """Bytes of the block that comes next where so many bytes of a row are left; a row may end inside its last block."""
    if remaining > 32:
        return 64
    return 32 if remaining > 16 else 16


@numba.njit
def add_rows(bits, stride, table, tail, tail_begins, indices, begin, end, sums, first):
    """Add the packed rows `indices[begin:end]`, at most `CAPACITY` of them, to the int32 at the address `sums`.

    `table` and `tail` are as in `make_sum`; `first` replaces the sums.
    """
    offset = 0
    while offset < stride:
        size = block_size(stride - offset)
        if bits == 2:
            into = sums + 16 * offset
            if size == 64:
                _sum_2_64(table + offset, tail + offset, tail_begins, stride, indices, begin, end, into, first)
            elif size == 32:
                _sum_2_32(table + offset, tail + offset, tail_begins, stride, indices, begin, end, into, first)
            else:
                _sum_2_16(table + offset, tail + offset, tail_begins, stride, indices, begin, end, into, first)
        elif bits == 4:
            into = sums + 8 * offset
            if size == 64:
                _sum_4_64(table + offset, tail + offset, tail_begins, stride, indices, begin, end, into, first)
            elif size == 32:
                _sum_4_32(table + offset, tail + offset, tail_begins, stride, indices, begin, end, into, first)
            else:
                _sum_4_16(table + offset, tail + offset, tail_begins, stride, indices, begin, end, into, first)
        else:
            into = sums + 4 * offset
            if size == 64:
                _sum_8_64(table + offset, tail + offset, tail_begins, stride, indices, begin, end, into, first)
            elif size == 32:
                _sum_8_32(table + offset, tail + offset, tail_begins, stride, indices, begin, end, into, first)
            else:
                _sum_8_16(table + offset, tail + offset, tail_begins, stride, indices, begin, end, into, first)
        offset += size
