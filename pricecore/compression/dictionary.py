"""Dictionaries: what messages of one kind have in common, learnt once, so that each need not repeat it."""

import contextlib
import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pricecore.compression.zstd import zstd
from pricecore.errors import CompressionError
from pricecore.primitives.new_file import create_file

if TYPE_CHECKING:
    from typing_extensions import Buffer

DICTIONARY_BYTES = 16_384
"""Of a trained one: on messages of exchanges, larger ones gave no better ratio, and take longer."""
MOST_DICTIONARY_BYTES = 16 * 1024 * 1024

_LEAST_DICTIONARY_BYTES = 256
_ID_AT = slice(4, 8)  # behind zstd's magic number
_FIRST_FREE_ID, _END_OF_IDS = 32_768, 1 << 31  # zstd keeps the others for itself


class PayloadDictionary:
    """A zstd dictionary with an id that its content gives.

    Its file is one that other programs with zstd take too. The id is made of the CRC-32 of all that follows it, so
    that one which was damaged is refused, and the same samples give the same id.

    Parameters
    ----------
    content : bytes-like
        Of a zstd dictionary, also of another tool's; at most 16 MiB.

    Raises
    ------
    CompressionError
        It is no zstd dictionary, or too large.
    MissingExtraError
        zstd is not installed.

    Threads: any; it does not change.
    Cost: a copy, and a try: a tenth of a millisecond for the default size. Each level that uses it digests it once.
    """

    def __init__(self, content: "Buffer") -> None:
        data = bytes(content)
        if len(data) > MOST_DICTIONARY_BYTES:
            message = f"the dictionary has {len(data):,} bytes; at most {MOST_DICTIONARY_BYTES:,} are taken"
            raise CompressionError(message, "too_large")
        try:
            self.zstd_dict: Any = zstd().ZstdDict(data)
            _try(self.zstd_dict)
        except (ValueError, zstd().ZstdError):
            raise CompressionError(f"these {len(data):,} bytes are no zstd dictionary", "damaged") from None

    @property
    def id(self) -> int:
        """What frames that were made with it name, 1 to 2**32 - 1."""
        return int(self.zstd_dict.dict_id)

    @property
    def content(self) -> bytes:
        """Its bytes, as `save` writes them."""
        return bytes(self.zstd_dict.dict_content)

    @classmethod
    def train(cls, samples: "Iterable[Buffer]", max_dictionary_bytes: int = DICTIONARY_BYTES) -> "PayloadDictionary":
        """Learn what messages have in common.

        Parameters
        ----------
        samples : iterable of bytes-like
            Some hundred messages of the kinds that will be sent, as they will be sent.
        max_dictionary_bytes : int
            256 to 16,777,216; both sides need it in memory.

        Raises
        ------
        ValueError
            The samples are too few or too short to learn from, or the size is none.

        Threads: any. Cost: a second for some megabytes of samples, with the GIL released.
        """
        if not _LEAST_DICTIONARY_BYTES <= max_dictionary_bytes <= MOST_DICTIONARY_BYTES:
            message = f"max_dictionary_bytes is {max_dictionary_bytes}; it must be 256 to 16,777,216"
            raise ValueError(message)
        messages = [bytes(sample) for sample in samples]
        try:
            trained = zstd().train_dict(messages, max_dictionary_bytes).dict_content
        except (ValueError, zstd().ZstdError) as error:
            total_bytes = sum(map(len, messages))
            raise ValueError(
                f"{len(messages):,} samples of {total_bytes:,} bytes in all are too few to learn from: give some "
                f"hundred, and a hundred times the dictionary's size ({error})"
            ) from None
        return cls(_with_own_id(trained))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file, which appears whole or not at all.

        Raises
        ------
        OSError
            It cannot be written.

        Threads: any. Cost: two syncs of the disk.
        """
        file = Path(path)
        draft = file.with_name(f"{file.name}.{os.getpid()}.tmp")
        try:
            with create_file(draft, 0o666) as out:
                out.write(self.content)
                out.flush()
                os.fsync(out.fileno())
            draft.replace(file)
        except BaseException:
            with contextlib.suppress(OSError):
                draft.unlink()
            raise
        _sync_folder(file.parent)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "PayloadDictionary":
        """Read what `save` wrote.

        Raises
        ------
        OSError
            The file cannot be read.
        CompressionError
            It is none, or damaged; one of another tool is taken by ``PayloadDictionary(path.read_bytes())``.

        Threads: any. Cost: reads the file, at most 16 MiB.
        """
        with Path(path).open("rb") as file:
            content = file.read(MOST_DICTIONARY_BYTES + 1)
        try:
            found = cls(content)
        except CompressionError as error:
            raise CompressionError(f"{path}: {error}", error.reason) from None
        if found.id != _id_of(content):
            message = f"{path}: the dictionary's id is {found.id}, its content has {_id_of(content)}: it is damaged"
            raise CompressionError(f"{message}, or of another tool", "damaged")
        return found

    def __repr__(self) -> str:
        return f"<PayloadDictionary {self.id}: {len(self.content):,} bytes>"


def _try(found: Any) -> None:
    """Use a dictionary once: zstd looks at its tables only then, and the error belongs to who brings it."""
    library = zstd()
    library.decompress(library.compress(b"", 1, zstd_dict=found), found)


def _id_of(content: bytes) -> int:
    return _FIRST_FREE_ID + zlib.crc32(content[_ID_AT.stop :]) % (_END_OF_IDS - _FIRST_FREE_ID)


def _with_own_id(content: bytes) -> bytes:
    return content[: _ID_AT.start] + _id_of(content).to_bytes(4, "little") + content[_ID_AT.stop :]


def _sync_folder(folder: Path) -> None:
    """Make a new name in a folder last beyond a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
