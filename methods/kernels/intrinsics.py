"""Two machine instructions that numba does not offer, and the fast exponential built on one of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic


def instruction(define: Callable[..., Any]) -> Any:
    """numba's `intrinsic`, whose declared type wrongly asks callers for the typing context too."""
    return intrinsic(define)


@instruction
def prefetch(typing_context, address):  # numba calls this while compiling; types come from the call site
    """Ask for the cache line at an address; a hint without effect on results."""
    signature = types.void(types.uintp)

    def generate(context, builder, _signature, arguments):
        pointer_type = ir.IntType(8).as_pointer()
        flag = ir.IntType(32)
        function_type = ir.FunctionType(ir.VoidType(), [pointer_type, flag, flag, flag])
        function = builder.module.declare_intrinsic("llvm.prefetch", [pointer_type], function_type)
        pointer = builder.inttoptr(arguments[0], pointer_type)
        read, keep_in_all_caches, data_cache = flag(0), flag(3), flag(1)
        builder.call(function, [pointer, read, keep_in_all_caches, data_cache])
        return context.get_dummy_value()

    return signature, generate


@instruction
def float_from_bits(typing_context, bits):
    """Reinterpret 32 bits as a float."""
    signature = types.float32(types.int32)

    def generate(_context, builder, _signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return signature, generate


@numba.njit(inline="always", fastmath={"contract", "nsz"})
def exponential(x):
    """e^x in float32 for x <= 0, relative error below 3e-7; no call, so that loops around it vectorise.

    2^k * e^r with k = round(x / ln 2) and |r| <= ln(2) / 2; e^r by its Taylor polynomial of degree 6.
    """
    x = max(x, numba.float32(-87.0))
    k = numba.int32(x * numba.float32(1.4426950408889634) - numba.float32(0.5))
    # ln 2 in two parts, so that the subtraction is exact (Cody and Waite)
    r = (x - k * numba.float32(0.693359375)) + k * numba.float32(2.12194440e-4)
    p = numba.float32(1.3888889e-3)
    p = p * r + numba.float32(8.3333333e-3)
    p = p * r + numba.float32(4.1666667e-2)
    p = p * r + numba.float32(1.6666667e-1)
    p = p * r + numba.float32(0.5)
    p = p * r + numba.float32(1.0)
    p = p * r + numba.float32(1.0)
    return p * float_from_bits(numba.int32((k + numba.int32(127)) << numba.int32(23)))


@numba.njit(inline="always")
def mixed(x):
    """A 32-bit hash of a 32-bit counter (two rounds of multiply and xor-shift), for counter-based random bits."""
    x = numba.uint32(x)
    x ^= x >> numba.uint32(16)
    x = numba.uint32(x * numba.uint32(0x21F0AAAD))
    x ^= x >> numba.uint32(15)
    x = numba.uint32(x * numba.uint32(0xD35A2D97))
    x ^= x >> numba.uint32(15)
    return x
