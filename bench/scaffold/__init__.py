"""What `leangnn new` writes: one working plug-in of each kind, in which only the names are replaced."""
