"""`leangnn doctor`."""

from __future__ import annotations


def test_checks_as_json_and_their_exit_code(cli) -> None:
    said = cli("doctor", "--json")
    assert isinstance(said.json, list)
    assert all({"name", "ok", "detail"} <= set(check) for check in said.json)
    assert said.code == (0 if all(check["ok"] for check in said.json) else 1)


def test_checks_as_text(cli, ran) -> None:
    said = cli("doctor", "--db", ran.store)
    assert all(line.startswith(("ok  ", "look", " ")) for line in said.out.splitlines())
