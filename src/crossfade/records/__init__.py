"""Codecs: how a store's raw records are read. One folder a form of record."""
