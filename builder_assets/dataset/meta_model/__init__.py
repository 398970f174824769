"""The baseline meta-model: does the dataset do its job?"""
