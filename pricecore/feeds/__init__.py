"""Level 6: bytes of files and exchanges in, engine updates out. Each format is one decoder and one row of `formats`."""
