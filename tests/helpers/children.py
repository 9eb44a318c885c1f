"""Processes started by multiprocessing in whichever way: what they run must be importable by its name there."""

import os

from helpers.writers import SMALL
from pricecore import PriceEngine, WrongProcessError, attach

PATIENCE_S = 60.0


class Here:
    """Unpickled in a child, first: a forkserver was started in the environment of an earlier test."""

    def __reduce__(self):
        return set_folder, (os.environ["PRICECORE_SHM_DIR"],)


def set_folder(folder):
    os.environ["PRICECORE_SHM_DIR"] = folder


def follow(_, view, pipe):
    """In a child: answer every price with what the view says of it, until None comes."""
    if isinstance(view, str):
        view = attach(view)
    while (price := pipe.recv()) is not None:
        pipe.send((view.price("A"), view.get("A").sequence, view.alive, view.generation, view.price("A") == price))


def write(_, name, pipe):
    """In a child: make an engine and write what comes, until None comes."""
    with PriceEngine(name, **SMALL) as engine:
        pipe.send(engine.segment.generation)
        while (price := pipe.recv()) is not None:
            pipe.send(engine.update("A", price))


class Child:
    """A started process and the pipe to it; it ends well within the block."""

    def __init__(self, context, target, argument):
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=target, args=(Here(), argument, theirs), daemon=True)
        self.process.start()
        theirs.close()

    def ask(self, price):
        self.pipe.send(price)
        return self.answer()

    def answer(self):
        assert self.pipe.poll(PATIENCE_S), "the child does not answer"
        return self.pipe.recv()

    def end(self):
        self.pipe.send(None)
        self.process.join(PATIENCE_S)
        return self.process.exitcode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.join(PATIENCE_S)


def refused(_, engine, pipe):
    """In a forked child: what it may do with its parent's engine."""
    try:
        engine.update("A", 9.0)
    except WrongProcessError as error:
        pipe.send((str(error), engine.price("A")))
