from __future__ import annotations

import re

import pytest

from fusion.doctor.fitting import TRIO, owner_troubles, requirement_troubles, trio_troubles
from tests.installing import ROOT

pytestmark = pytest.mark.light
REMEDY = "pip install torch==2.11.0 torchvision==0.26.0 torchaudio==2.11.0, all from one index"


@pytest.mark.parametrize(
    ("versions", "sentences"),
    [
        # the newest of everything
        ({"torch": "2.15.0", "torchvision": "0.30.0", "torchaudio": "2.11.0"},
         ["torchaudio 2.11.0 and torch 2.15.0 are of different releases, so torchaudio will not load"]),
        # a build of torch for processors, beside the others from the package index
        ({"torch": "2.13.0+cpu", "torchvision": "0.28.0", "torchaudio": "2.11.0"},
         ["torchvision 0.28.0 and torch 2.13.0+cpu: one is a build for processors only, and torchvision needs CUDA's "
          "libraries",
          "torchaudio 2.11.0 and torch 2.13.0+cpu are of different releases, so torchaudio will not load"]),
        ({"torch": "2.11.0+cpu", "torchaudio": "2.11.0"},
         ["torchaudio 2.11.0 and torch 2.11.0+cpu: one is a build for processors only, and torchaudio needs CUDA's "
          "libraries"]),
        ({"torch": "2.11.0+cu126", "torchvision": "0.26.0+cu130"},
         ["torchvision 0.26.0+cu130 and torch 2.11.0+cu126 are built for different CUDA versions"]),
    ],
)  # fmt: skip
def test_a_trio_that_does_not_load_is_recognised(versions: dict[str, str], sentences: list[str]) -> None:
    troubles = trio_troubles(versions)
    assert [trouble.what for trouble in troubles] == sentences
    assert {trouble.remedy for trouble in troubles} == {REMEDY}


@pytest.mark.parametrize(
    "versions",
    [
        dict(TRIO),
        {"torch": "2.11.0"},
        {"torchaudio": "2.11.0"},
        {"torch": "2.11.0+cpu", "torchvision": "0.26.0+cpu", "torchaudio": "2.11.0+cpu"},
        {"torch": "2.11.0+cu130", "torchvision": "0.26.0", "torchaudio": "2.11.0+cu130"},
    ],
)
def test_a_trio_that_loads_is_no_trouble(versions: dict[str, str]) -> None:
    assert trio_troubles(versions) == []


def test_the_remedy_is_what_our_constraints_have() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert {name: re.search(rf"^{name}==(.*)$", text, re.M)[1] for name in TRIO} == TRIO  # type: ignore[index]


def test_requirements_that_are_not_met_are_named() -> None:
    required = {"fusion-pulse": ["avfusion<2,>=1", "torch>=2.12", "no_such", "extra; extra == 'x'"]}
    troubles = requirement_troubles(required, {"avfusion": "1.4", "torch": "2.11.0+cpu"})
    assert [(trouble.what, trouble.remedy) for trouble in troubles] == [
        ("fusion-pulse requires torch>=2.12, and 2.11.0+cpu is installed", "pip install 'torch>=2.12'"),
        ("fusion-pulse requires no_such, which is not installed", "pip install 'no_such'"),
    ]


def test_two_owners_of_an_import_name_are_named_and_namespaces_may_be_shared() -> None:
    troubles = owner_troubles([
        ("opencv-python", ["cv2/__init__.py", "cv2/data/x.xml"]),
        ("opencv-python-headless", ["cv2/__init__.py"]),
        ("google-a", ["google/a/__init__.py"]),
        ("google-b", ["google/b/__init__.py"]),
        ("single", ["six.py"]),
        ("six", ["six.py", "six-1.dist-info/METADATA"]),
    ])  # fmt: skip
    assert [trouble.what for trouble in troubles] == [
        "opencv-python and opencv-python-headless both own the import name 'cv2'",
        "single and six both own the import name 'six'",
    ]
    assert troubles[0].remedy == "uninstall all of them, then install the one that is needed (opencv-python-headless)"
