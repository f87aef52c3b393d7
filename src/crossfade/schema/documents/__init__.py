"""The schema of a document store: collections, the types of their fields, validators, indexes and references.

collections.py   a collection as values, and the TargetSchema that they make
json_file.py     read from a JSON file of validators and indexes, or from a server
prisma.py        read from a Prisma schema (provider "mongodb", or one written for SQL)
validators.py    JSON schemas from types, and types from JSON schemas
commands.py      steps: commands of the store as JSON
"""
