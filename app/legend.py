"""How to read the board, in plain words."""

LEGEND = """
- **Score** is the mean test metric over splits and seeds, at the epoch that validation chose. The dot and bar beside
  it are the mean and its 95 % interval, on one scale for each dataset.
- **Time**, **memory** and **to target** are ratios: this method divided by full-batch FP32 training of the same
  backbone with the same splits and seeds, run alternately on the same machine. Below 1 is cheaper: `0.53` reads
  *1.9x faster*. Blue: the whole interval is below 1, so it is surely cheaper. Orange: surely dearer. Grey or no
  colour: not decided.
- **Scored time** is preprocessing, compiling and training. Sampling, coarsening and partitioning count, evaluation
  does not.
- **To target** is the time until the validation metric first reaches the target. A trial that never does counts with
  its whole budget, so a method cannot look quick by failing.
- **Same score?** `same` is claimed only by a test of equivalence within a declared margin; `better` and `worse` need
  p < 0.05 after correction for the number of candidates; `unclear` means that the data do not say.
- **Marks**: `front` means that no other method measured beside it has as good a score for as little time and memory.
  `provisional` has fewer than ten splits or seeds. `failed` has no result, with the reasons under *Failures*.
- **Trust** says who measured: here by you, reported by others, checked from predictions, or reproduced.
"""
