"""The scripts that made each file of data/ from its source package; see data/README.md."""
