"""Vector arithmetic on rows of float32, written as vector instructions.

Rows that belong to different arrays may alias as far as the compiler knows, so loops over the 32 channels of a head
would be guarded by checks that cost more than the loop. Addresses are bytes, lengths are counted in floats.
"""

from __future__ import annotations

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


def _vector(lanes: int) -> ir.VectorType:
    return ir.VectorType(ir.FloatType(), lanes)


def _load(builder, address, lanes: int):
    pointer = builder.inttoptr(address, _vector(lanes).as_pointer())
    loaded = builder.load(pointer)
    loaded.align = 4
    return pointer, loaded


def _splat(builder, scalar, lanes: int):
    undefined = ir.Constant(_vector(lanes), ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.IntType(32)(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes))


def _make_axpy(lanes: int):
    @intrinsic
    def axpy_block(typing_context, target, source, factor):
        signature = types.void(types.uintp, types.uintp, types.float32)

        def generate(context, builder, _signature, arguments):
            pointer, old = _load(builder, arguments[0], lanes)
            _, x = _load(builder, arguments[1], lanes)
            product = builder.fmul(x, _splat(builder, arguments[2], lanes), flags=("contract",))
            store = builder.store(builder.fadd(old, product, flags=("contract",)), pointer)
            store.align = 4
            return context.get_dummy_value()

        return signature, generate

    return axpy_block


def _make_dot(lanes: int):
    @intrinsic
    def dot_block(typing_context, left, right):
        signature = types.float32(types.uintp, types.uintp)

        def generate(_context, builder, _signature, arguments):
            _, u = _load(builder, arguments[0], lanes)
            _, v = _load(builder, arguments[1], lanes)
            function_type = ir.FunctionType(ir.FloatType(), [ir.FloatType(), _vector(lanes)])
            name = f"llvm.vector.reduce.fadd.v{lanes}f32"
            reduce = cgutils.get_or_insert_function(builder.module, function_type, name)
            product = builder.fmul(u, v, flags=("reassoc", "contract"))
            return builder.call(reduce, [ir.FloatType()(0.0), product], fastmath=("reassoc", "contract"))

        return signature, generate

    return dot_block


_axpy_32, _axpy_8, _axpy_1 = _make_axpy(32), _make_axpy(8), _make_axpy(1)
_dot_32, _dot_8, _dot_1 = _make_dot(32), _make_dot(8), _make_dot(1)


@numba.njit(inline="always")
def axpy(target, source, factor, length):
    """target += factor * source."""
    done = 0
    while done + 32 <= length:
        _axpy_32(target + done * 4, source + done * 4, factor)
        done += 32
    while done + 8 <= length:
        _axpy_8(target + done * 4, source + done * 4, factor)
        done += 8
    while done < length:
        _axpy_1(target + done * 4, source + done * 4, factor)
        done += 1


@numba.njit(inline="always")
def dot(left, right, length):
    """Inner product of two rows."""
    total = numba.float32(0)
    done = 0
    while done + 32 <= length:
        total += _dot_32(left + done * 4, right + done * 4)
        done += 32
    while done + 8 <= length:
        total += _dot_8(left + done * 4, right + done * 4)
        done += 8
    while done < length:
        total += _dot_1(left + done * 4, right + done * 4)
        done += 1
    return total
