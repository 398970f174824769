"""How files, models and devices are reached. Imports nothing of builder_assets."""
