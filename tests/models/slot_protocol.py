"""The slot protocol as a whole: threads over one memory, the process that may be killed, repair, and the properties.

Steps are sequentially consistent; what the memory orders must add stands in the head comments of the compiled modules.
A kill stops every writer at once, wherever it is (they are one process); readers live on, before, during and after the
repair. A writer that merely stops for ever needs no step of its own: a read that would wait for it is a violation in
`SlotReader.repeat`.
"""

from collections.abc import Iterator

from models.explore import Explored, Explorer, Violation
from models.slot_memory import DONE, EMPTIED, HELD, KILLED, OFF, SEQUENCE, WRITING, Memory, Record, Registers
from models.slot_writers import SingleWriter


class Successor(SingleWriter):
    """The process that takes over after a kill: repairs the slot, then the ring, then makes an update of its own."""

    first_step = OFF
    wakes_at = "repair_copy"

    def repair_copy(self, memory, me):
        word = memory.words[me.copy]
        me.sequence = word & SEQUENCE
        if word & WRITING:
            return "empty_copy"
        if word & HELD:
            return "fill_held" if memory.stamps[memory.cell(me.sequence)] < me.sequence else "clear_held"
        return self.next_copy(me)

    def empty_copy(self, memory, me):
        memory.words[me.copy] = EMPTIED if memory.words[1 - me.copy] else 0
        return self.next_copy(me)

    def fill_held(self, memory, me):
        return self.fill(memory, me, memory.payloads[me.copy][0], "publish_held")

    def publish_held(self, memory, me):
        memory.publish(me.sequence)
        return "clear_held"

    def clear_held(self, memory, me):
        memory.words[me.copy] = me.sequence
        return self.next_copy(me)

    def next_copy(self, me: Registers) -> str:
        if me.copy == 0:
            me.copy = 1
            return "repair_copy"
        me.copy = 0
        me.sequence = 1
        return "find_unpublished"

    def find_unpublished(self, memory, me):
        while me.sequence <= memory.ticket and memory.stamps[memory.cell(me.sequence)] >= me.sequence:
            me.sequence += 1
        return "fill_void" if me.sequence <= memory.ticket else self.end_repair(memory, me)

    def end_repair(self, memory, me):
        memory.check()
        me.sequence = 0
        return "load_a"

    def fill_void(self, memory, me):
        return self.fill(memory, me, Record(me.sequence, 0, ""), "publish_void")

    def publish_void(self, memory, me):
        memory.publish(me.sequence)
        return "find_unpublished"


class SlotProtocol:
    """All interleavings of these threads; with a Successor among them the process is killed up to `kills` times."""

    def __init__(self, *programs, capacity: int = 2, kills: int = 0):
        self.programs = programs
        self.initial = (Memory.empty(capacity).freeze(), tuple(Registers(p.first_step).freeze() for p in programs), 0)
        self.kills = kills

    def explore(self) -> Explored:
        """Check everything; the summaries of `ends` are the published records."""
        return Explorer(self.initial, self.successors, self.check_end).run()

    def successors(self, state: tuple) -> Iterator[tuple]:
        _, threads, kills = state
        for at, (step, *_) in enumerate(threads):
            if step not in (DONE, KILLED, OFF):
                yield f"{self.programs[at].name}.{step}", lambda at=at: self.after_step(state, at)
        if kills < self.kills and self.work_left(threads):
            yield "kill", lambda: self.after_kill(state)

    def after_step(self, state: tuple, at: int) -> tuple:
        frozen, threads, kills = state
        memory, me = Memory(*frozen), Registers(*threads[at])
        me.step = getattr(self.programs[at], me.step)(memory, me)
        return memory.freeze(), (*threads[:at], me.freeze(), *threads[at + 1 :]), kills

    def after_kill(self, state: tuple) -> tuple:
        frozen, threads, kills = state
        return frozen, tuple(map(self.killed, self.programs, threads)), kills + 1

    def killed(self, program, thread: tuple) -> tuple:
        if isinstance(program, Successor):
            return Registers(program.wakes_at).freeze()
        return Registers(KILLED).freeze() if program.is_writer and thread[0] != DONE else thread

    def work_left(self, threads: tuple) -> bool:
        steps = (thread[0] for program, thread in zip(self.programs, threads, strict=True) if program.is_writer)
        return any(step not in (DONE, KILLED, OFF) for step in steps)

    def check_end(self, state: tuple) -> tuple | None:
        """When all threads are done: the slot, the ring and the accounts agree."""
        frozen, threads, kills = state
        if any(thread[0] not in (DONE, KILLED, OFF) for thread in threads):
            return None
        memory = Memory(*frozen)
        memory.check()
        if not kills:
            self.check_accounts(memory)
        return memory.published

    def check_accounts(self, memory: Memory) -> None:
        """No update is lost or doubled."""
        published = [record.update for record in memory.published if record.update]
        writers = [program for program in self.programs if program.is_writer and program.first_step != OFF]
        sent = sum(len(program.timestamps) for program in writers)
        if len(set(published)) != len(published) or len(published) + memory.refused != sent:
            raise Violation(f"of {sent} updates {published} were published and {memory.refused} refused")
