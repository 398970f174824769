"""A folder with a history, and what is done with it: built, adopted, exported, looked at, cleaned."""
