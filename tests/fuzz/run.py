"""Runs one target under libFuzzer, on modules built for it, as ci/fuzz does: `run.py TARGET [FLAG ...] CORPUS ...`.

With `--replay` it only hands the files to the target, on any build.
"""

import os
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main(target: str, arguments: list[str]) -> None:
    if arguments[:1] == ["--replay"]:
        check = import_module(f"fuzz.target_{target}").check
        for name in arguments[1:]:
            print(name, flush=True)
            check(Path(name).read_bytes())
        return
    import atheris

    # Compiled code tells by itself what of it ran; Python's bytecode is made to.
    with atheris.instrument_imports(include=["pricecore"], enable_loader_override=False):
        module = import_module(f"fuzz.target_{target}")
    import_module("fuzz.harness").be_quiet()
    atheris.Setup([sys.argv[0], *arguments], ending_in_a_signal(module.check))
    atheris.Fuzz()


def ending_in_a_signal(check: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """Make a finding end the process at once, with its input saved: Python's own way out waits for threads."""

    def run(data: bytes) -> None:
        try:
            check(data)
        except Exception:
            traceback.print_exc()
            sys.stderr.flush()
            os.abort()

    return run


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
