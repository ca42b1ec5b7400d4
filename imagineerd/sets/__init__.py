"""Sets on disk: finding them, and reading their CSVs and their `config.yaml`."""
