"""Whether the installed versions fit together; pure functions of versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fusion.catalog.requirement import excluding, named, normalised
from fusion.doctor.problem import Trouble

#: What is known to load and run together, with and without a GPU.
TRIO: Mapping[str, str] = {"torch": "2.11.0", "torchvision": "0.26.0", "torchaudio": "2.11.0"}
_REINSTALL = f"pip install {' '.join(f'{name}=={version}' for name, version in TRIO.items())}, all from one index"


def trio_troubles(versions: Mapping[str, str]) -> list[Trouble]:
    """What keeps torch, torchvision and torchaudio from loading together.

    Their wheels hold compiled code for one release of torch and one way of building it: torchaudio's minor version is
    torch's, torchvision's is 15 above it, and the part after ``+`` (``cpu``, ``cu130``) is the same.

    Args:
        versions: By distribution, as their metadata have them; what is not installed is left out.
    """
    if "torch" not in versions:
        return []
    troubles = []
    torch, build = _split(versions["torch"])
    for name, ahead in (("torchvision", 15), ("torchaudio", 0)):
        if name not in versions:
            continue
        other, other_build = _split(versions[name])
        both = f"{name} {versions[name]} and torch {versions['torch']}"
        if other[1:2] != [torch[1] + ahead]:
            troubles.append(Trouble(f"{both} are of different releases, so {name} will not load", _REINSTALL))
        elif "cpu" in (build, other_build) and build != other_build:
            needs = name if build == "cpu" else "torch"
            troubles.append(
                Trouble(f"{both}: one is a build for processors only, and {needs} needs CUDA's libraries", _REINSTALL)
            )
        elif build and other_build and build != other_build:
            troubles.append(Trouble(f"{both} are built for different CUDA versions", _REINSTALL))
    return troubles


def requirement_troubles(required: Mapping[str, Sequence[str]], versions: Mapping[str, str]) -> list[Trouble]:
    """Requirements of distributions that what is installed does not meet.

    Args:
        required: By distribution, its requirements; those of extras and with other markers are passed over.
        versions: By normalised name, all that is installed.
    """
    troubles = []
    for distribution, requirements in required.items():
        for requirement in requirements:
            name = named(requirement)
            if name is None or ";" in requirement:
                continue
            installed = versions.get(normalised(name))
            if installed is None:
                what = f"{distribution} requires {requirement.strip()}, which is not installed"
            elif excluding([requirement], name, installed) is not None:
                what = f"{distribution} requires {requirement.strip()}, and {installed} is installed"
            else:
                continue
            troubles.append(Trouble(what, f"pip install '{requirement.strip()}'"))
    return troubles


def owner_troubles(files: Iterable[tuple[str, Iterable[str]]]) -> list[Trouble]:
    """Import names that two distributions own: files of one lie over those of the other.

    Args:
        files: Of each distribution its name and files, relative to where it is installed.
    """
    owners: dict[str, set[str]] = {}
    for distribution, paths in files:
        for path in paths:
            name, slash, rest = path.partition("/")
            # a folder without this file may be shared: a namespace package
            if (slash and rest == "__init__.py") or (not slash and name.endswith(".py")):
                owners.setdefault(name.removesuffix(".py"), set()).add(distribution)
    return [
        Trouble(
            f"{' and '.join(sorted(found))} both own the import name '{name}'",
            f"uninstall all of them, then install the one that is needed ({_wanted(found)})",
        )
        for name, found in sorted(owners.items())
        if len(found) > 1
    ]


def _wanted(found: set[str]) -> str:
    known = {name for name in found if name.startswith("avfusion") or name == "opencv-python-headless"}
    return " or ".join(sorted(known or found))


def _split(version: str) -> tuple[list[int], str]:
    release, _, build = version.partition("+")
    return [int(part) for part in release.split(".")[:2] if part.isdigit()], build
