"""Unpack the sheets of FER-2013 into single images with a manifest, for `configs/fer2013/face.yaml`.

    python benchmarks/fer2013_images.py FOLDER [--copies]

Reads `fer2013/faces_*.webp` (sheets of 2,000 faces, 50 to a line) and `fer2013/labels.csv.gz` below FUSION_DATA and
writes `FOLDER/manifest.csv` with one PNG a face. The region of every image is its middle 60 %, which has the shape of
a crop of 60x100. An image that stands in several parts of the official split is kept in the first of them only,
unless `--copies` asks for the official split as it is: then the engine refuses it.
"""

from __future__ import annotations

import csv
import gzip
import os
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE, COLUMNS = 48, 50
#: The names that the other corpora here use.
EMOTIONS = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "sad": "sadness",
    "surprise": "surprise",
    "neutral": "neutral",
}
PARTS = {"Training": "train", "PublicTest": "validation", "PrivateTest": "test"}


def main(folder: Path, copies: bool = False) -> None:
    """Write the images and the manifest."""
    source = Path(os.environ["FUSION_DATA"]) / "fer2013"
    folder.mkdir(parents=True, exist_ok=True)
    with gzip.open(source / "labels.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    sheet: NDArray[np.uint8] | None = None
    opened = -1
    seen: dict[bytes, str] = {}
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "pictures", "region", "emotion", "part"])
        for row in rows:
            number = int(row["row"])
            if number // 2000 != opened:
                opened = number // 2000
                sheet = np.asarray(cv2.imread(str(source / f"faces_{opened:02d}.webp"), cv2.IMREAD_GRAYSCALE), np.uint8)
            assert sheet is not None
            down, across = divmod(number % 2000, COLUMNS)
            face = sheet[down * SIDE : (down + 1) * SIDE, across * SIDE : (across + 1) * SIDE]
            if seen.setdefault(face.tobytes(), row["usage"]) != row["usage"] and not copies:
                continue
            name = f"{number // 1000:02d}/{number:05d}.png"
            (folder / name).parent.mkdir(exist_ok=True)
            cv2.imwrite(str(folder / name), face)
            writer.writerow([f"{number:05d}", name, "0.2 0 0.8 1", EMOTIONS[row["emotion_name"]], PARTS[row["usage"]]])


if __name__ == "__main__":
    main(Path(sys.argv[1]), copies="--copies" in sys.argv[2:])
