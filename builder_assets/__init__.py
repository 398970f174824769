"""What exists in a training dataset for splice-site meta-models, and how it is derived."""
