"""The base model: its network, its weights, its scores, and how right they are."""
