"""The pages: every module in `app/views/` with `TITLE` and `render(reader)`.

A page may also have `HEADING` (what stands above it, where that is not its title), `ORDER` (a number, the lowest is the
start page) and `ICON` (a Material symbol).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

import app.views
from db.read import Reader


@dataclass(frozen=True)
class View:
    """One page."""

    name: str
    """Of the module; also the page's path in the URL."""
    title: str
    """In the navigation."""
    heading: str
    render: Callable[[Reader], None]
    """Draws what stands under the heading."""
    order: float = 100.0
    icon: str | None = None


def views() -> list[View]:
    """All pages, by order and then by name; a module without `TITLE` is no page."""
    found = [_view(module.name) for module in pkgutil.iter_modules(app.views.__path__)]
    return sorted((view for view in found if view is not None), key=lambda view: (view.order, view.name))


def _view(name: str) -> View | None:
    module = importlib.import_module(f"app.views.{name}")
    if not hasattr(module, "TITLE"):
        return None
    heading = getattr(module, "HEADING", module.TITLE)
    return View(
        name, module.TITLE, heading, module.render, getattr(module, "ORDER", 100.0), getattr(module, "ICON", None)
    )
