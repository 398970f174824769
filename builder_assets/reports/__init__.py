"""What people look at: one gene in the terminal and as a picture, and HTML reports. Nothing reads these files."""
