from typing_extensions import disjoint_base

from pricecore.engine.reader import Reader

@disjoint_base
class Publisher(Reader): ...
