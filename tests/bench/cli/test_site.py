"""`leangnn export-site`."""

from __future__ import annotations

from bench.asv.sample_store import fill


def test_it_says_where_the_pages_begin(cli, tmp_path) -> None:
    store = fill(tmp_path / "sample.duckdb", trials=2)
    said = cli("export-site", tmp_path / "site", "--db", store)
    assert (said.code, said.out, said.error) == (0, f"{tmp_path / 'site' / 'index.html'}: 1 row\n", "")
    assert (tmp_path / "site" / "index.html").is_file()


def test_without_a_store_it_is_one_sentence(sentence, tmp_path) -> None:
    assert "there is no store" in sentence(1, "export-site", tmp_path / "site")
