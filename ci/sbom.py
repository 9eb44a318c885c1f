"""Writes the bill of materials of a release, in CycloneDX 1.6, from what its files say of themselves.

    python3 ci/sbom.py pricecore.cdx.json dist/*

The subject is the release. Its parts are the files (with their SHA-256), the Cython whose runtime is compiled into the
libraries, and what pip installs beside them: with ranges, not versions, as the metadata has it. The same files give the
same bytes. Nothing beyond the standard library, so that nothing else takes part in a release.
"""

import hashlib
import json
import re
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path


def main(output: str, *files: str) -> None:
    """Write `output` for these wheels and sdists, all of one version."""
    paths = sorted(map(Path, files), key=lambda path: path.name)
    metadata = [metadata_of(path) for path in paths]
    versions = {(each["Name"], each["Version"]) for each in metadata}
    if len(versions) != 1:
        sys.exit(f"one release has one name and version, these files have {sorted(versions) or 'none: no files given'}")
    Path(output).write_text(json.dumps(bill(metadata[0], paths), indent=2) + "\n")


def metadata_of(path: Path) -> Message:
    """Return the package's metadata, as a wheel or an sdist holds it."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            name = next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
            return Parser().parsestr(wheel.read(name).decode())
    with tarfile.open(path) as sdist:
        name = min((name for name in sdist.getnames() if name.endswith("/PKG-INFO")), key=len)
        content = sdist.extractfile(name)
        assert content is not None
        return Parser().parsestr(content.read().decode())


def bill(metadata: Message, paths: list[Path]) -> dict[str, object]:
    """Return the bill of materials as JSON knows it."""
    release = component("library", metadata["Name"], metadata["Version"])
    release["description"] = metadata["Summary"]
    release["licenses"] = [{"license": {"id": metadata["License-Expression"]}}]
    parts = [file_component(path) for path in paths]
    tools = [component("library", "cython", version, why="compiled in") for version in cython_versions(paths)]
    needed = [requirement(line) for line in metadata.get_all("Requires-Dist", [])]
    always = [part["bom-ref"] for part in needed if part["scope"] == "required"]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": release, "lifecycles": [{"phase": "build"}]},
        "components": [*parts, *tools, *needed],
        "dependencies": [
            {"ref": release["bom-ref"], "dependsOn": [*(tool["bom-ref"] for tool in tools), *always]},
            *({"ref": part["bom-ref"]} for part in [*parts, *tools, *needed]),
        ],
    }


def component(kind: str, name: str, version: str, why: str = "") -> dict[str, object]:
    """Return a part with its package URL; `why` says how it comes in."""
    url = f"pkg:pypi/{name.lower()}@{version}"
    part: dict[str, object] = {"type": kind, "bom-ref": url, "name": name, "version": version, "purl": url}
    if why:
        part["properties"] = [{"name": "pricecore:why", "value": why}]
    return part


def file_component(path: Path) -> dict[str, object]:
    """Return a file of the release with its checksum."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {
        "type": "file",
        "bom-ref": f"file:{path.name}",
        "name": path.name,
        "hashes": [{"alg": "SHA-256", "content": digest}],
    }


def requirement(line: str) -> dict[str, object]:
    """Return what a line of Requires-Dist asks for; with an extra, or elsewhere only, it is optional."""
    wanted, _, marker = (part.strip() for part in line.partition(";"))
    name = re.match(r"[A-Za-z0-9._-]+", wanted)
    assert name is not None, line
    return {
        "type": "library",
        "bom-ref": f"requires:{line}",
        "name": name[0],
        "purl": f"pkg:pypi/{name[0].lower().replace('_', '-').replace('.', '-')}",
        "scope": "optional" if marker else "required",
        "properties": [{"name": "pricecore:requires", "value": line}],
    }


def cython_versions(paths: list[Path]) -> list[str]:
    """Return the versions of Cython that the wheels' libraries name as the owner of their shared types."""
    found: set[str] = set()
    for path in paths:
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                libraries = [wheel.read(name) for name in wheel.namelist() if name.endswith((".so", ".pyd"))]
            named = {match for data in libraries for match in re.findall(rb"_cython_(\d+(?:_[0-9a-z]+)+)", data)}
            if not named:
                sys.exit(f"{path.name}: no library says which Cython made it")
            found |= {version.decode().replace("_", ".") for version in named}
    return sorted(found)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python3 ci/sbom.py OUTPUT FILE...")
    main(*sys.argv[1:])
