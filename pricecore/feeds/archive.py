"""Zip archives: each member is a source of its own."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import cast

from pricecore.errors import FormatError

_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_CHUNK_BYTES = 1 << 18
_ENCRYPTED = 1
_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Only these are unpacked piece by piece: of bzip2 and LZMA one piece read becomes gigabytes at once."""
_DAMAGES = (EOFError, OSError, NotImplementedError, ValueError, zipfile.BadZipFile, zlib.error)
"""ValueError is of names and places that cannot be."""
_WORDS = re.compile(r"[^\W_]+")


class Member:
    """One file in an archive; see `Capture`, whose attributes and methods it has.

    Threads: one reads.
    Cost: holds one chunk.
    """

    def __init__(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: str, part: str) -> None:
        self.path = f"{path}/{info.filename}"
        self.part = part
        """What its name has and those of the other members do not; empty for an only member."""
        self.size_bytes = info.file_size
        self.position_bytes = 0
        self.at_end = False
        self.damage: str | None = None
        self._archive, self._info = archive, info
        self._interrupted = False

    def chunks(self) -> Iterator[bytes]:
        """Yield the content; all that can be read comes out, then `damage` is set. Threads: one."""
        try:
            with cast(zipfile.ZipExtFile, self._archive.open(self._info)) as file:
                while not self._interrupted and (chunk := file.read1(_CHUNK_BYTES)):
                    self.position_bytes += len(chunk)
                    yield chunk
                self.at_end = not self._interrupted
        except _DAMAGES as error:
            self.damage = f"damaged: {error}"

    def interrupt(self) -> None:
        """Make `chunks` end. Threads: any."""
        self._interrupted = True

    def close(self) -> None:
        """Close the archive once none of its members is being read. Threads: as `Capture.close`."""
        self._archive.close()


def is_archive(path: str | Path) -> bool:
    """Tell from the first bytes whether a regular file is a zip archive.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    if not Path(path).is_file():
        return False
    with Path(path).open("rb") as file:
        return file.read(4) in _MAGIC


def members(path: str | Path) -> list[Member]:
    """Return the files in an archive.

    Raises
    ------
    FormatError
        The archive is damaged, encrypted, empty, or packed by another method than deflate.
    OSError
        It cannot be read.

    Threads: any.
    Cost: reads the directory of the archive; keeps it open until the members are closed.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError) as error:
        raise FormatError(f"the zip archive is damaged: {error}") from None
    infos = [info for info in archive.infolist() if not info.is_dir()]
    flaw = next(filter(None, map(_flaw_of, infos)), "") if infos else "the zip archive is empty"
    if flaw:
        archive.close()
        raise FormatError(flaw)
    parts = _own_parts([info.filename for info in infos])
    return [Member(archive, info, str(path), part) for info, part in zip(infos, parts, strict=True)]


def _flaw_of(info: zipfile.ZipInfo) -> str:
    """Return why a member cannot be read in constant memory, or nothing."""
    if info.flag_bits & _ENCRYPTED:
        return f"{info.filename} in it is encrypted: unpack it first"
    if info.compress_type not in _BOUNDED:
        return f"{info.filename} in it is packed by method {info.compress_type}, not by deflate: unpack it first"
    return ""


def _own_parts(names: list[str]) -> list[str]:
    """Return of each name the words that not all of them have; for one name alone nothing."""
    words = [_WORDS.findall(PurePosixPath(name).stem) for name in names]
    common = set.intersection(*map(set, words))
    return [".".join(word for word in own if word not in common) for own in words]
