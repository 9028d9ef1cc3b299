"""Reads what people write: numbers, names and files, each by one rule, and says in a sentence what does not fit."""
