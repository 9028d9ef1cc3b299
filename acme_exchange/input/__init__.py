"""What people write: numbers, names and files, each read by one rule, and the sentence that says what does not fit."""
