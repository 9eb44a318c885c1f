POOL_FIGURE_NAMES: tuple[bytes, ...]
