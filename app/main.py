"""The dashboard: `leangnn serve`, or `python -m app` with the store in LEANGNN_DB."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from app import notices, source
from app.pages import View, views
from db.errors import StoreError

ICON = str(Path(__file__).with_name("icon.svg"))


def main() -> None:
    """Draw the frame and, in it, the page that the URL names."""
    st.set_page_config("LeanGNN", page_icon=ICON, layout="wide")
    st.logo(ICON, size="large")
    found = views()
    pages = [
        st.Page(_drawn(view), title=view.title, icon=view.icon, url_path=view.name, default=view is found[0])
        for view in found
    ]
    st.navigation(pages, position="top" if len(pages) > 1 else "hidden").run()


def _drawn(view: View) -> Callable[[], None]:
    def draw() -> None:
        # before anything is read, so that a page is never blank while a slow store is waited for
        st.title(view.heading, anchor=False)
        try:
            view.render(source.reader(source.store_name()))
        except StoreError as error:
            notices.store_error(error)

    return draw


main()
