"""The board as plain HTML pages that need no server, no network and no installed package."""
