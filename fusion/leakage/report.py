"""The table of leakage: what each system scores by both protocols, what each cause adds, and the switches."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fusion.evaluation.wording import LOUDNESS_AND_LENGTH, MAJORITY
from fusion.inference.files import write_atomic
from fusion.leakage.causes_chart import causes_chart
from fusion.leakage.chart import chart
from fusion.leakage.figures import MEASURES, Figures, Score, accuracy, mean, one_against_rest
from fusion.leakage.grid import Condition, Half, size_name
from fusion.leakage.settings import Leakage

#: In the order in which they are added, what each cause is called; the last one is a measure and no split.
CAUSES = {
    Half.speakers: "shared speakers",
    Half.pieces: "pieces of a clip in several parts",
    Half.copies: "repetitions and augmented copies in several parts",
}
PRINTED = "accuracy, one against rest"
_CHANCE = "chance"


def write_report(folder: Path, figures: Figures, settings: Leakage, command: str) -> None:
    """Write ``table.md``, ``results.json``, ``runs.csv``, ``systems.svg`` and ``causes.svg``."""
    write_atomic(folder / "table.md", table(figures, settings, command).encode())
    write_atomic(folder / "results.json", (json.dumps(results(figures, settings), indent=1) + "\n").encode())
    lines = figures.lines()
    text = io.StringIO()
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    write_atomic(folder / "runs.csv", text.getvalue().encode())
    chances = _chances(figures)
    write_atomic(folder / "systems.svg", chart(bars(figures, settings), chances=chances).encode())
    ladders = _ladders(figures, settings)
    drawn = causes_chart(ladders, size=size_name(settings.at), chances=(chances["accuracy"], chances[PRINTED]))
    write_atomic(folder / "causes.svg", drawn.encode())


def results(figures: Figures, settings: Leakage) -> dict[str, Any]:
    """All of the table as JSON values; a score has a value and the ends of its interval."""
    return {
        "classes": figures.names,
        "intervals_over": figures.over,
        "generated": figures.generated,
        "scores": {
            name: {
                row: {
                    column: {what: score.to_json() for what, score in both.items()} for column, both in scores.items()
                }
                for row, scores in _scores(figures, settings, name).items()
            }
            for name in MEASURES
        },
        "causes": {
            system: [{"step": step, **{what: score.to_json() for what, score in both.items()}} for step, both in steps]
            for system, steps in _ladders(figures, settings).items()
        },
        "switches": {
            switch: {what: score.to_json() for what, score in scores.items()}
            for switch, scores in _switches(figures, settings).items()
        },
        "published": settings.published,
    }


def bars(figures: Figures, settings: Leakage) -> dict[str, dict[str, Score]]:
    """By system, the scores of the chart: means over all shares."""
    found = {}
    for system in settings.systems:
        leaking = [figures.score(system, Condition(Half.copies, test), accuracy) for test in settings.test]
        printed = [figures.score(system, Condition(Half.copies, test), one_against_rest) for test in settings.test]
        honest = [figures.score(system, Condition(Half.honest, test), accuracy) for test in settings.test]
        found[system] = {
            "LEAKING, one against rest": mean(printed),
            "LEAKING, accuracy": mean(leaking),
            "whole speakers apart, accuracy": mean(honest),
        }
    return found


def _chances(figures: Figures) -> dict[str, float]:
    """What guessing scores, of balanced classes."""
    count = len(figures.names)
    return {"accuracy": 1 / count, PRINTED: 1 - 2 / count * (1 - 1 / count)}


def _scores(figures: Figures, settings: Leakage, measure: str) -> dict[str, dict[str, dict[str, Score]]]:
    """By row and column (a share, or the mean of all), the leaking and the honest score and their difference."""
    found = {}
    for row in (*settings.systems, MAJORITY, LOUDNESS_AND_LENGTH):
        halves: dict[Half, list[Score]] = {Half.copies: [], Half.honest: []}
        for half, scores in halves.items():
            for test in settings.test:
                if row in settings.systems:
                    scores.append(figures.score(row, Condition(half, test), MEASURES[measure]))
                elif (score := figures.baseline(row, Condition(half, test), MEASURES[measure])) is not None:
                    scores.append(score)
        if all(len(scores) == len(settings.test) for scores in halves.values()):
            leaking, honest = ([*scores, mean(scores)] for scores in halves.values())
            columns = [*map(size_name, settings.test), "mean"]
            found[row] = {
                column: {"leaking": a, "honest": b, "difference": a - b}
                for column, a, b in zip(columns, leaking, honest, strict=True)
            }
    return found


def _ladders(figures: Figures, settings: Leakage) -> dict[str, list[tuple[str, dict[str, Score]]]]:
    """By system, its score after each cause and what that cause adds."""
    found = {}
    for system in settings.systems:
        before = figures.score(system, Condition(Half.honest, settings.at), accuracy)
        steps: list[tuple[str, dict[str, Score]]] = [("whole speakers apart, accuracy", {"score": before})]
        for half, cause in CAUSES.items():
            score = figures.score(system, Condition(half, settings.at), accuracy)
            steps.append((f"+ {cause}", {"score": score, "adds": score - before}))
            before = score
        score = figures.score(system, Condition(Half.copies, settings.at), one_against_rest)
        steps.append(("+ counted one against rest", {"score": score, "adds": score - before}))
        found[system] = steps
    return found


def _switches(figures: Figures, settings: Leakage) -> dict[str, dict[str, Score]]:
    """By switch (first the recipe itself), the scores of the switched system."""
    if settings.switched is None:
        return {}
    found = {}
    for switch in (None, *settings.switches):
        leaking = figures.score(settings.switched, Condition(Half.copies, settings.at, switch), accuracy)
        honest = figures.score(settings.switched, Condition(Half.honest, settings.at, switch), accuracy)
        printed = figures.score(settings.switched, Condition(Half.copies, settings.at, switch), one_against_rest)
        found[switch or "the recipe"] = {
            PRINTED: printed,
            "leaking": leaking,
            "honest": honest,
            "difference": leaking - honest,
        }
    for scores in list(found.values())[1:]:
        scores["honest, minus the recipe"] = scores["honest"] - found["the recipe"]["honest"]
    return found


def table(figures: Figures, settings: Leakage, command: str) -> str:
    """Everything as Markdown, under what it was measured by."""
    parts = ["\n".join(_preamble(figures, settings, command)), _split_table(figures, settings)]
    for measure in MEASURES:
        parts.append(f"## {measure[0].upper()}{measure[1:]}")
        parts.append(_score_table(figures, settings, measure))
    parts.append(f"## What each cause adds, at {size_name(settings.at)}")
    parts.append(_cause_table(_ladders(figures, settings)))
    if switches := _switches(figures, settings):
        parts.append(f"## The recipe with its switches turned: {settings.switched} at {size_name(settings.at)}")
        parts.append(_switch_table(switches))
    return "\n\n".join(parts) + "\n"


def _preamble(figures: Figures, settings: Leakage, command: str) -> list[str]:
    def guarantees(half: Half) -> list[str]:
        return [f"  - {line}" for line in figures.guarantees(Condition(half, settings.at))]

    return [
        f"- command: `{command}`",
        *(["- **the clips are generated**: nothing here says anything about people"] if figures.generated else []),
        "- **LEAKING columns**, the paper's protocol: rows are made of clips first, then split at random; "
        f"each row of the test part is scored by itself; at {size_name(settings.at)}:",
        *guarantees(Half.copies),
        "- honest columns: draws of test speakers; balanced and augmented in training only; "
        f"each clip is scored once in each draw that tests it; at {size_name(settings.at)}:",
        *guarantees(Half.honest),
        f"- train-test shares {', '.join(map(size_name, settings.test))}: of rows (leaking) or of speakers, rounded up "
        f"(honest); {100 * settings.validation:g} % of either validate and are taken from the training side",
        f"- seed {figures.seed}; each run scores each test part once",
        "- scores: answers of all splits pooled, which is the mean over splits weighted by their clips",
        f"- intervals: 95 %, bootstrap over {figures.count} {figures.over}, the same draws for every score, so that "
        "differences are paired; chance differences from one training to the next are not in them",
        f"- accuracy, one against rest: (TP + TN) / all for each class against the rest, averaged; of "
        f"{len(figures.names)} classes it is 1 - {2 / len(figures.names):.3g} x error, and chance is "
        f"{_chances(figures)[PRINTED]:.3f}",
    ]


def _split_table(figures: Figures, settings: Leakage) -> str:
    """What each column is made of."""

    def made_of(condition: Condition) -> str:
        splits, (answers, groups) = figures.splits(condition), figures.tested(condition)
        return (
            f"{splits} split{'s' * (splits != 1)} `{figures.split_hash(condition)}`, {answers} answers of {groups} "
            f"{figures.over}"
        )

    lines = [
        [size_name(test), *(made_of(Condition(half, test)) for half in (Half.copies, Half.honest))]
        for test in settings.test
    ]
    return _markdown(["tested", "LEAKING", "honest"], lines)


def _score_table(figures: Figures, settings: Leakage, measure: str) -> str:
    scores = _scores(figures, settings, measure)
    columns = [*map(size_name, settings.test), "mean"]
    published = measure == PRINTED and bool(settings.published)
    head = ["model", *(f"{column}, {what}" for column in columns for what in ("LEAKING", "honest", "difference"))]
    lines = []
    for row, by_column in scores.items():
        cells = [row]
        for column in columns:
            both = by_column[column]
            cells += [_shown(both["leaking"]), _shown(both["honest"]), _shown(both["difference"], signed=True)]
        if published:
            cells.append(f"{settings.published[row]:.4f}" if row in settings.published else "")
        lines.append(cells)
    chance = _chances(figures).get(measure, 1 / len(figures.names))
    lines.append([_CHANCE, *[f"{chance:.3f}", f"{chance:.3f}", ""] * len(columns), *[""] * published])
    return _markdown([*head, *["mean, as the paper prints it"] * published], lines)


def _cause_table(ladders: dict[str, list[tuple[str, dict[str, Score]]]]) -> str:
    steps = [step for step, _ in next(iter(ladders.values()))]
    lines = []
    for place, step in enumerate(steps):
        cells = [step]
        for ladder in ladders.values():
            scores = ladder[place][1]
            cells += [_shown(scores["score"]), _shown(scores["adds"], signed=True) if "adds" in scores else ""]
        lines.append(cells)
    return _markdown(["", *(cell for system in ladders for cell in (system, f"{system}, adds"))], lines)


def _switch_table(switches: dict[str, dict[str, Score]]) -> str:
    columns = {
        PRINTED: f"LEAKING, {PRINTED}",
        "leaking": "LEAKING, accuracy",
        "honest": "honest, accuracy",
        "difference": "difference",
        "honest, minus the recipe": "honest, minus the recipe",
    }
    lines = [
        [
            switch,
            *(
                _shown(scores[what], signed=what not in (PRINTED, "leaking", "honest")) if what in scores else ""
                for what in columns
            ),
        ]
        for switch, scores in switches.items()
    ]
    return _markdown(["", *columns.values()], lines)


def _shown(score: Score, *, signed: bool = False) -> str:
    low, high = score.interval
    sign = "+" if signed else ""
    return f"{score.value:{sign}.3f} ({low:{sign}.3f} .. {high:{sign}.3f})"


def _markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
