"""Plain-Python reference models. They live here so that they cannot drift into a second product."""
