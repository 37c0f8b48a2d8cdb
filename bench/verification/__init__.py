"""The board once more, from raw rows and by another road: slow, plain, and without a line of `db.scoring`."""
