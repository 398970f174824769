"""The files of a new project folder; links to the ones at the root, copied into the wheel."""
