"""Level 2: symbol table, validation and the latest-price map."""
