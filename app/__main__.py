"""The server of the dashboard: `python -m app`, followed by any options of `streamlit run`."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from streamlit.web import cli

from app import source
from app.pages import views
from db.errors import StoreError


def main() -> None:
    """Import and read what the first page needs, then serve; Streamlit alone would begin with that page's reader."""
    views()
    with suppress(StoreError):  # the page will say it
        source.read_ahead(source.reader(source.store_name()))
    sys.argv = ["streamlit", "run", str(Path(__file__).with_name("main.py")), *sys.argv[1:]]
    cli.main()


if __name__ == "__main__":
    main()
