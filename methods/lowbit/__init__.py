"""Inference that really computes in 2, 4 and 8 bits: packed rows, integer aggregation and integer linear layers."""
