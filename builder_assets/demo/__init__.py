"""A small real genome that ships with the package."""
