"""Manifests that are not JSON as the standard has it, or say what cannot be."""

from __future__ import annotations

import zipfile

import numpy as np
from cases import case, edited, put, text
from good_bundle import Good, zipped

# the text of the manifest

text("bad_utf8", r"manifest.json is not UTF-8", lambda document: document.replace(b"A. Person", b"A. \xff\xfe"))
text("byte_order_mark", r"manifest.json is not JSON", lambda document: b"\xef\xbb\xbf" + document)
text("key_twice", r"key 'version' stands twice", lambda document: b'{"version": 1, ' + document[1:])


@case("nested deeper than 12 levels")
def deep_nesting(bundle: Good) -> bytes:
    # not compressed, or it would look like a bomb
    return zipped({"manifest.json": b"[" * 100_000 + b"]" * 100_000}, zipfile.ZIP_STORED)


text(
    "nesting_in_a_table",
    "nested deeper than",
    lambda d: d.replace(b'"learning_rate": 0.01', b'"x": ' + b'{"a": ' * 40 + b"1" + b"}" * 40),
)
text("not_a_number", "NaN is no number of JSON", lambda d: d.replace(b'"seed": 0', b'"seed": NaN', 1))
text("infinite", "-Infinity is no number of JSON", lambda d: d.replace(b'"seed": 0', b'"seed": -Infinity', 1))
text("too_large_a_number", "1e999 is too large", lambda d: d.replace(b'"wall": 12.5', b'"wall": 1e999', 1))
text("five_thousand_digits", "cannot be read", lambda d: d.replace(b'"seed": 0', b'"seed": ' + b"9" * 5000, 1))
text("no_json", r"manifest.json is not JSON: .* in line 1", lambda document: document[:-1])
text("a_list", "holds a list and not a table", lambda document: b"[" + document + b"]")
text("half_a_surrogate", "is not valid", lambda d: d.replace(b"A. Person and", b"A. \\ud800 and"))


def longer(document: bytes) -> bytes:
    # spaces in no order, because ordered ones compress like a bomb
    spaces = np.random.default_rng(0).choice(list(b" \n\t\r"), 3 * 2**20 - len(document))
    return document + spaces.astype(np.uint8).tobytes()


text("too_long_a_manifest", "decompresses to 3.0 MiB; it may have 2.0 MiB", longer)

# its values

edited("future_version", "version 2 of the format .* install a newer LeanGNN", put("version", value=2))
edited("other_format", "is not that of a submission", put("format", value="zip"))
edited("unknown_key", r"'run_this': Extra inputs", put("run_this", value="rm -rf /"))
edited("formula_in_a_name", "spreadsheet takes for a formula", put("submitter", value='=HYPERLINK("http://x","y")'))
edited("formula_by_at", "spreadsheet takes for a formula", put("card", "authors", value="@SUM(A1)"))
edited("html_in_a_name", "could take for markup", put("submitter", value="<script>alert(1)</script>"))
edited("html_in_a_setting", "could take for markup", put("protocols", "settings", "note", value="<img src=x>"))
edited("html_in_a_method", r"'method.strategy'", put("method", "strategy", value="<b>best</b>"))
edited("direction_override", "control character", put("submitter", value="A. \u202enosrep"))
edited("line_break_in_a_name", "control character", put("card", "authors", value="A\n\n# heading"))
edited("script_as_code_url", r"'card.code_url'", put("card", "code_url", value="javascript:alert(1)"))
edited(
    "negative_time",
    r"'trials\[0\].ledger.train': Input should be greater",
    put("trials", 0, "ledger", "train", value=-1.0),
)
edited("negative_memory", "peak_memory_bytes", put("trials", 0, "peak_memory_bytes", value=-1))
edited("metric_in_percent", "less than or equal to 1", put("trials", 0, "test_metric", value=81.2))
edited("number_as_text", "valid integer", put("trials", 0, "seed", value="0"))
edited("started_in_the_future", "lies in the future", put("trials", 0, "started_at", value="2999-01-01T00:00:00Z"))
edited("moment_without_zone", "timezone", put("trials", 0, "started_at", value="2026-01-02T12:00:00"))
edited("path_as_dataset", r"'datasets\[0\].name'", put("datasets", 0, "name", value="../../etc/passwd"))
edited("path_as_trial", r"'trials\[0\].id'", put("trials", 0, "id", value="../../x"))
edited("derived_from_itself", "derived from itself", put("card", "derived_from", value="gcn+my_strategy"))
edited("trial_twice", "stands twice", put("trials", 1, "id", value="000"))
edited("seed_twice", "combination of dataset, protocol, split, seed", put("trials", 1, "split", value=0))
edited("only_references", "all trials are of the reference",
       lambda bundle: [trial.update(reference=True) for trial in bundle.manifest["trials"]])  # fmt: skip
edited("finished_without_metric", "needs validation_metric", put("trials", 0, "test_metric", value=None))
edited("unknown_session", "names the session 'two'", put("trials", 0, "session", value="two"))
edited("too_many_trials", "at most 400 items", lambda b: b.manifest.update(trials=b.manifest["trials"] * 50))
