"""Codecs: how a store's raw records are read. One folder for each form of record."""
