"""Level 4: damage is cut out of a log: what is good stays, a gap stands for the rest, and nothing is thrown away."""

import os
import time
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from pricecore.eventlog.blocks import Block
from pricecore.eventlog.drafting import Draft, Origin
from pricecore.eventlog.files import remove_drafts, sync_folder
from pricecore.eventlog.lock import lock_log
from pricecore.eventlog.log_index import index_path
from pricecore.eventlog.rewriting import rewriting
from pricecore.eventlog.salvaging import Part, Wreck
from pricecore.eventlog.scanning import Gap
from pricecore.eventlog.verifying import Damage, VerifyReport, verify


class RepairReport(NamedTuple):
    """What `repair` did.

    Attributes
    ----------
    path : str
    damages : tuple of Damage
        What was wrong. Empty: nothing was changed.
    lost : tuple of Gap
        The sequences that were cut out: now gaps of the log ("damaged"), or, at its end, gone with their numbers.
    records, records_lost : int
        That are good now, and that are lost.
    kept : tuple of str
        The files as they were before, under names that end in ``.damaged``: for you to look at and remove.
    remaining : tuple of Damage
        What is still wrong: nothing here can mend it.
    """

    path: str
    damages: tuple[Damage, ...]
    lost: tuple[Gap, ...]
    records: int
    records_lost: int
    kept: tuple[str, ...]
    remaining: tuple[Damage, ...]


def repair(path: str | PathLike[str], on_progress: Callable[[int, int], object] | None = None) -> RepairReport:
    """Cut out what is damaged in a log.

    Every block that is good stays, also behind damage; what is missing between becomes a gap. Files that were changed
    are kept as they were under names that end in ``.damaged``. New files are written as drafts, synced, then renamed.

    Parameters
    ----------
    path : path-like
        The log's folder.
    on_progress : callable, optional
        As `verify`.

    Raises
    ------
    LogNotFoundError
        There is no log.
    LogReadOnlyError
        Somebody writes it, or nothing can be written here.
    LogCorruptError
        No file has a good head.

    Threads: any. Cost: reads the log up to four times, and writes the damaged files anew.
    """
    before = verify(path, on_progress)
    if before.ok:
        return RepairReport(before.path, (), (), before.records, 0, (), ())
    folder = Path(path)
    lock = lock_log(folder)
    try:
        with rewriting(folder):
            remove_drafts(folder)
            work = _Repair(folder, before)
            try:
                work.write()
                kept = work.commit()
            finally:
                work.close()
                remove_drafts(folder)
    finally:
        lock.close()
    after = verify(path, on_progress)
    lost = tuple(work.lost)
    count = sum(gap.last_sequence - gap.first_sequence + 1 for gap in lost)
    return RepairReport(before.path, before.damages, lost, after.records, count, tuple(kept), after.damages)


class _Repair:
    """One repair: drafts first, then names."""

    def __init__(self, folder: Path, found: VerifyReport) -> None:
        self.folder = folder
        self.wreck = Wreck(folder)
        self.damaged = {damage.file for damage in found.damages}
        self.snapshot_end = max((snapshot.last_sequence for snapshot in self.wreck.snapshots), default=0)
        if found.torn is not None and self.snapshot_end > found.last_sequence:  # it will not be the last file any more
            self.damaged.add(found.torn.path)
        self.due = self.wreck.parts[0].first_sequence
        self.position = b""
        self.generation = 1
        self.lost: list[Gap] = []
        self.drafts: list[Draft] = []
        self.replaced: list[Path] = []
        self.left = 0

    def write(self) -> None:
        """Write all drafts."""
        for part in self.wreck.parts:
            if not part.foreign and part.head is not None:
                self.generation = max(self.generation, part.head.generation)
            if part.foreign:
                self.replaced.append(part.path)
            elif str(part.path) in self.damaged or part.first_sequence < self.due:
                self.replaced.append(part.path)
                self._rewrite(part)
            else:
                self._leave(part)
        if self.snapshot_end >= self.due:  # those sequences were given out: no other record may get one of them
            self._gap_file(self.snapshot_end)
        elif not self.drafts and not self.left:  # a log without any file is none
            self._begin(self.due - 1)
        if self.wreck.last_sequence >= self.due:  # good in themselves, but the names of their symbols are gone
            self.lost.append(Gap(self.due, self.wreck.last_sequence, "damaged"))

    def _leave(self, part: Part) -> None:
        """A good file stays as it is; a gap goes in front of it when there is a hole."""
        if part.first_sequence > self.due:
            self._gap_file(part.first_sequence - 1)
        self.left += 1
        self.position = part.head.position if part.head else self.position
        for block in part.blocks():
            self.due = block.last_sequence + 1
            self.position = block.position or self.position

    def _gap_file(self, last_sequence: int) -> None:
        self._begin(last_sequence)
        self.due = last_sequence + 1

    def _rewrite(self, part: Part) -> None:
        draft = None
        if part.first_sequence > self.due:
            self._gap_file(part.first_sequence - 1)
        for block in part.blocks(self.wreck.names):
            if block.first_sequence < self.due:
                continue
            if draft is None or block.first_sequence > self.due:
                draft = self._begin(block.first_sequence - 1)
            self._append(draft, part, block)

    def _append(self, draft: Draft, part: Part, block: Block) -> None:
        draft.append(part.raw(block))
        self.due = block.last_sequence + 1
        self.position = block.position or self.position

    def _begin(self, gap_until: int) -> Draft:
        """Begin a file where the log stands; with a gap up to this sequence, unless nothing is missing."""
        symbols = self.wreck.names.before(gap_until + 1) or b""
        origin = Origin(self.wreck.log_id, self.generation, time.time_ns())
        draft = Draft(self.folder, self.due, origin, symbols, self.position)
        self.drafts.append(draft)
        if gap_until >= self.due:
            gap = Gap(self.due, gap_until, "damaged")
            draft.append_gap(gap_until)
            self.lost.append(gap)
        return draft

    def commit(self) -> list[str]:
        """Sync the drafts, keep the old files under other names, and give theirs to the drafts."""
        for draft in self.drafts:
            draft.finish()
        names = {draft.path for draft in self.drafts}
        in_the_way = [path for path in names if path.exists() and path not in self.replaced]
        kept = [_keep(path) for path in (*self.replaced, *in_the_way, *self.wreck.bad_snapshots)]
        sync_folder(self.folder)
        for path in self.replaced:
            index_path(str(path)).unlink(missing_ok=True)
        for draft in reversed(self.drafts):
            draft.rename()
        for path in (*self.replaced, *self.wreck.bad_snapshots):
            if path not in names:
                path.unlink()
        sync_folder(self.folder)
        return [str(path) for path in kept]

    def close(self) -> None:
        """Close all files."""
        self.wreck.close()
        for draft in self.drafts:
            draft.close()


def _keep(path: Path) -> Path:
    """Give a file a second name, which nobody has."""
    for k in range(1_000_000):
        kept = path.with_name(f"{path.name}{f'.{k}' if k else ''}.damaged")
        try:
            os.link(path, kept)
        except FileExistsError:
            continue
        return kept
    raise FileExistsError(f"{path}: a million copies are kept already; remove some")
