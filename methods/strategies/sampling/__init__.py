"""Strategies whose steps see subgraphs drawn from one graph."""
