"""How to read the board, in plain words."""

LEGEND = """
- **Score** is the mean test metric over splits and seeds, at the epoch that validation chose. The dot and bar beside
  it are the mean and its 95 % interval, on one scale for each dataset.
- **Ratios** divide a cost of this method by that of full-batch FP32 training of the same backbone with the same splits
  and seeds, run alternately on the same machine. Below 1 is cheaper: `0.53` of scored time reads *1.9x faster*. Blue:
  the whole interval is below 1, so it is surely cheaper. Orange: surely dearer. Grey or no colour: not decided.
- **Scored time** is preprocessing, compiling and training. Sampling, coarsening and partitioning count, evaluation
  does not.
- **Time to target** lasts until the validation metric first reaches the target. A trial that never does counts with
  the longest time that any trial of the two methods took, so a method cannot look quick by failing.
- **Inference** is one prediction on the whole graph, **model size** the bytes of the model that predicts.
- **Same score?** `same` is claimed only by a test of equivalence within a declared margin; `better` and `worse` need
  p < 0.05 after correction for the number of candidates; `unclear` means that the data do not say.
- **Marks**: `front` means that no other method measured beside it has as good a score for as little time and memory;
  *On the front* says how often that stays so when splits and seeds are drawn again. `provisional` has fewer than ten
  splits or seeds. `failed` has no result, with the reasons under *Failures*.
- **Ranked together**: ranks come from each method's own figures over the datasets on the page, so that a method that
  joins reorders no others. A method that misses one of the datasets has no rank.
- **Trust** says who measured: here by you, reported by others, checked from predictions, or reproduced.
- A column that would be empty is hidden; the menu of the table shows it.
"""
