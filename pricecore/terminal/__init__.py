"""Level 7: `pricecore top`, an engine's figures and prices on a terminal.

What draws is plain Python; `app`, `canvas`, `palette` and `sheets` need the extra `tui` (Textual).
"""
