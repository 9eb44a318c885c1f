"""Level 3: what stands for "not there" where None may be a value."""


class Absent:
    """Returned by inner calls, as the class itself; never seen by users."""
