"""The nightly: run a suite, hold it to the nights before, measure again what is suspicious, report."""
