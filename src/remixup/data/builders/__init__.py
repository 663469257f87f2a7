"""Builders that read the files of published datasets."""
