"""How every number is made."""

from __future__ import annotations

import streamlit as st

from app.rules import SECTIONS
from db.read import Reader

TITLE, ICON, ORDER = "Rules", ":material/gavel:", 9
HEADING = "How every number is made"


def render(reader: Reader) -> None:
    """Draw the page; it says the same of every store, also of none."""
    st.markdown(" · ".join(f"[{section.title}](#{section.anchor})" for section in SECTIONS))
    for section in SECTIONS:
        st.subheader(section.title, anchor=section.anchor)
        st.markdown(section.text)
