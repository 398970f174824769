"""From scores and sites to a training dataset."""
