"""What a dataset says about itself, for people and programs."""
