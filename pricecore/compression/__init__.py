"""Level 2: zstd of single messages (`PayloadCodec`) and of blocks of records. Needs the extra `[zstd]` when used."""

from pricecore.compression.codec import PayloadCodec
from pricecore.compression.codec_stats import CodecStats
from pricecore.compression.dictionary import PayloadDictionary

__all__ = ["CodecStats", "PayloadCodec", "PayloadDictionary"]
