"""What makes the calls fast: of each technique its claim, how to take it out, and where that must show."""
