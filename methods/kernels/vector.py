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


def _zeros(lanes: int) -> ir.Constant:
    return ir.Constant(_vector(lanes), None)


def _make_leaky_dot(lanes: int):
    @intrinsic
    def leaky_dot_block(typing_context, weights, left, right, slope):
        signature = types.float32(types.uintp, types.uintp, types.uintp, types.float32)

        def generate(_context, builder, _signature, arguments):
            _, w = _load(builder, arguments[0], lanes)
            _, u = _load(builder, arguments[1], lanes)
            _, v = _load(builder, arguments[2], lanes)
            x = builder.fadd(u, v)
            positive = builder.fcmp_ordered(">", x, _zeros(lanes))
            leaky = builder.select(positive, x, builder.fmul(x, _splat(builder, arguments[3], lanes)))
            function_type = ir.FunctionType(ir.FloatType(), [ir.FloatType(), _vector(lanes)])
            name = f"llvm.vector.reduce.fadd.v{lanes}f32"
            reduce = cgutils.get_or_insert_function(builder.module, function_type, name)
            product = builder.fmul(w, leaky, flags=("reassoc", "contract"))
            return builder.call(reduce, [ir.FloatType()(0.0), product], fastmath=("reassoc", "contract"))

        return signature, generate

    return leaky_dot_block


def _make_leaky_step(lanes: int):
    @intrinsic
    def leaky_step_block(typing_context, target, left, right, factor, slope):
        signature = types.void(types.uintp, types.uintp, types.uintp, types.float32, types.float32)

        def generate(context, builder, _signature, arguments):
            pointer, old = _load(builder, arguments[0], lanes)
            _, u = _load(builder, arguments[1], lanes)
            _, v = _load(builder, arguments[2], lanes)
            positive = builder.fcmp_ordered(">", builder.fadd(u, v), _zeros(lanes))
            flat = builder.fmul(arguments[3], arguments[4])
            step = builder.select(positive, _splat(builder, arguments[3], lanes), _splat(builder, flat, lanes))
            store = builder.store(builder.fadd(old, step), pointer)
            store.align = 4
            return context.get_dummy_value()

        return signature, generate

    return leaky_step_block


_axpy_32, _axpy_8, _axpy_1 = _make_axpy(32), _make_axpy(8), _make_axpy(1)
_dot_32, _dot_8, _dot_1 = _make_dot(32), _make_dot(8), _make_dot(1)
_leaky_dot_32, _leaky_dot_8, _leaky_dot_1 = _make_leaky_dot(32), _make_leaky_dot(8), _make_leaky_dot(1)
_leaky_step_32, _leaky_step_8, _leaky_step_1 = _make_leaky_step(32), _make_leaky_step(8), _make_leaky_step(1)


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


@numba.njit(inline="always")
def leaky_dot(weights, left, right, slope, length):
    """Inner product of `weights` and LeakyReLU(left + right)."""
    total = numba.float32(0)
    done = 0
    while done + 32 <= length:
        total += _leaky_dot_32(weights + done * 4, left + done * 4, right + done * 4, slope)
        done += 32
    while done + 8 <= length:
        total += _leaky_dot_8(weights + done * 4, left + done * 4, right + done * 4, slope)
        done += 8
    while done < length:
        total += _leaky_dot_1(weights + done * 4, left + done * 4, right + done * 4, slope)
        done += 1
    return total


@numba.njit(inline="always")
def leaky_step(target, left, right, factor, slope, length):
    """target += factor * LeakyReLU'(left + right), whose value at 0 is the slope."""
    done = 0
    while done + 32 <= length:
        _leaky_step_32(target + done * 4, left + done * 4, right + done * 4, factor, slope)
        done += 32
    while done + 8 <= length:
        _leaky_step_8(target + done * 4, left + done * 4, right + done * 4, factor, slope)
        done += 8
    while done < length:
        _leaky_step_1(target + done * 4, left + done * 4, right + done * 4, factor, slope)
        done += 1
