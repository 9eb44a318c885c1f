"""Level 6: bytes of files and exchanges in, engine updates out. Each format is one decoder and one row of `formats`."""

from pricecore.errors import FormatError, MalformedError
from pricecore.feeds.feed import Feed, FeedCounts
from pricecore.feeds.formats import csv_format, ndjson_format, register
from pricecore.feeds.sink import Sink

__all__ = ["Feed", "FeedCounts", "FormatError", "MalformedError", "Sink", "csv_format", "ndjson_format", "register"]
