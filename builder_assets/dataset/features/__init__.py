"""What is told of an example: a function for each block of columns."""
