"""Level 5: the engine. `price_engine` is the class that people use; `hotpath` is one update in C."""
