"""The command line `action-images`: one module of commands per theme."""
