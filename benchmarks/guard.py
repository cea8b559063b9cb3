"""What the guard of the protocols finds in real corpora: copies, sentences and look-alikes on both sides of a split.

    FUSION_DATA=... python -m benchmarks.guard [--images FOLDER]

Inspects RAVDESS, Java-SED and FER-2013 as `fusion data inspect` does, and writes benchmarks/guard.md. FER-2013's images
are unpacked into FOLDER (a temporary folder unless given), once as the official split has them and once without the
copies (benchmarks/fer2013_images.py); its part takes a few minutes.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks import fer2013_images
from fusion.catalog import catalog
from fusion.config.experiment import read_experiment
from fusion.contract import Clip, Split
from fusion.corpora.alike import alike, alike_stills, crossing, picture_hash
from fusion.corpora.inspection import Inspection, inspect
from fusion.corpora.loading import load_corpus
from fusion.evaluation.sentences import said_before_in, same_sentences
from fusion.evaluation.splits import plan_splits

ROOT = Path(__file__).resolve().parents[1]
APART = "protocol={name: speaker_sentence_folds, folds: 4, sentences: 2}"


def inspected(config: str, *overrides: str, stills: bool = False) -> tuple[Inspection, list[str]]:
    """The inspection, and its lines on the page: the command and what it notes."""
    loaded = read_experiment(ROOT / config, overrides)
    answer = inspect(loaded.experiment, catalog=catalog(), base=loaded.source.parent, alike=stills)
    shown = [part if "/tmp" not in part else "corpus.root=FOLDER/manifest.csv" for part in overrides]
    words = ["fusion data inspect", config, *(["--alike"] if stills else []), *(f"'{part}'" for part in shown)]
    copies = [" = ".join(ids) for ids in answer.corpora[0].copies]
    lines = [f"$ {' '.join(words)}"]
    if copies:
        lines.append(f"  one take    {len(copies)} of several clips: {'; '.join(copies[:3])}")
    lines += [answer.guarantee] if answer.guarantee else []
    lines += [f"note  {note}" for note in answer.notes]
    return answer, lines


def console(*parts: Sequence[str]) -> list[str]:
    return ["```console", *(line for lines in parts for line in lines), "```", ""]


def spoken(config: str) -> tuple[list[str], str]:
    """A section's console, and a sentence with the counts by fold and sentence, found by the same functions."""
    answer, lines = inspected(config)
    _, apart = inspected(config, APART)
    loaded = read_experiment(ROOT / config, ())
    clips = {clip.id: clip for clip in answer.clips["main"]}
    splits = plan_splits(loaded.experiment, list(clips.values()), catalog()).splits
    before = [one for split in splits for one in said_before_in(split, clips)]
    sentences = set(same_sentences(clips.values()).values())
    told = (
        f"{len(clips)} clips, {len({clip.speaker for clip in clips.values()})} speakers, {len(sentences)} sentences, "
        f"{len(splits)} splits: what {sum(map(bool, before))} of {len(before)} test clips say is also said "
        "in training or validation of their split."
    )
    return console(lines, apart), told


def pictures(folder: Path) -> list[str]:
    """The section of FER-2013."""
    official, kept = folder / "official", folder / "kept"
    for place in (official, kept):
        if not (place / "manifest.csv").exists():
            fer2013_images.main(place, copies=place == official)
    config = "configs/fer2013/face.yaml"
    loaded = read_experiment(ROOT / config, [f"corpus.root={official / 'manifest.csv'}"])
    clips = load_corpus(loaded.experiment.corpus, catalog=catalog(), base=loaded.source.parent)
    by_part = {
        part: [clip for clip in clips if clip.details["part"] == part] for part in ("train", "validation", "test")
    }
    trained = {clip.take for clip in by_part["train"] if clip.take is not None}
    validated = {clip.take for clip in by_part["validation"] if clip.take is not None}
    same = sum(clip.take in trained for clip in by_part["test"])
    either = sum(clip.take in trained | validated for clip in by_part["test"])
    parts = [ids(by_part[part]) for part in ("train", "validation", "test")]
    both, trained_only = Split("official", *parts), Split("official", parts[0], (), parts[2])
    groups, whole = alike_stills(clips), whole_images(clips)
    cropped, cropped_training = crossing(both, groups), crossing(trained_only, groups)
    near, near_training = crossing(both, whole), crossing(trained_only, whole)
    refused = inspected(config, f"corpus.root={official / 'manifest.csv'}")[1]
    after = inspected(config, f"corpus.root={kept / 'manifest.csv'}", stills=True)[1]
    return [
        f"{len(clips):,} images; official parts {', '.join(f'{len(one):,} {name}' for name, one in by_part.items())}. "
        f"Of the {len(by_part['test']):,} test images {same} have the bytes of a training image ({either} those of a "
        f"training or validation image). {len(near_training)} look like a training image ({len(near)}), whole; in the "
        f"part that the config crops, {len(cropped_training)} ({len(cropped)}).",
        "",
        "The official split as it is (`python benchmarks/fer2013_images.py FOLDER --copies`), then each image in its "
        "first part only (without `--copies`), which leaves what was stored again:",
        "",
        *console(refused, after),
    ]


def whole_images(clips: Sequence[Clip]) -> dict[str, int]:
    """As ``alike_stills``, over images that are not cropped."""
    images = [cv2.imread(str(clip.tracks[0].file), cv2.IMREAD_GRAYSCALE) for clip in clips]
    groups = alike(np.stack([picture_hash(np.asarray(image, np.uint8)) for image in images]))
    return dict(zip(ids(clips), groups.tolist(), strict=True))


def ids(clips: Sequence[Clip]) -> tuple[str, ...]:
    return tuple(clip.id for clip in clips)


def main() -> None:
    """Inspect all three, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, help="where FER-2013's images are, or are unpacked to")
    arguments = parser.parse_args()
    ravdess, ravdess_told = spoken("configs/ravdess/voice.yaml")
    java, java_told = spoken("configs/java_sed/face_and_voice.yaml")
    with tempfile.TemporaryDirectory() as temporary:
        faces = pictures(arguments.images or Path(temporary))
    page = [
        "# What the protocol guard finds in real corpora",
        "",
        "`FUSION_DATA=... python -m benchmarks.guard`; each block is a command and what it says of copies and splits "
        "(counts of classes, speakers and splits are left out here). [Protocols](../docs/protocols.md) says what is "
        "guaranteed.",
        "",
        "## RAVDESS: two statements, one pair of copies",
        "",
        ravdess_told + " The two names of one recording are one take, so no split can part them.",
        "",
        *ravdess,
        "## Java-SED: four sentences",
        "",
        java_told,
        "",
        *java,
        "## FER-2013: test images among the training images",
        "",
        *faces,
    ]
    text = "\n".join(page).rstrip() + "\n"
    print(text)
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
