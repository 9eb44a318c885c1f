"""Runs one target under libFuzzer, on modules that were built for it: `run.py TARGET [FLAG ...] CORPUS ...`, see ci/fuzz.

With `--replay` it only hands the files to the target, on any build.
"""

import sys
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
    atheris.Setup([sys.argv[0], *arguments], module.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
