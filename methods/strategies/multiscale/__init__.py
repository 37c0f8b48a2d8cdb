"""Multiscale training (Gal et al., TMLR 2025, arXiv:2503.19666): weights learn on coarse views before the finest."""
