"""What others published, beside how ours is run: one TOML a paper, and what released code does differently."""
