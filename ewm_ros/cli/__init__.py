"""The `ewm` command."""
