"""Strategies that send messages once, before training."""
