"""How results are put into words: the same in the terminal's table and on the card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEADLINE = "headline"
MAJORITY = "majority class"
#: The baseline that knows only how loud and how long a clip's sound is.
LOUDNESS_AND_LENGTH = "loudness and length"
MEASURES = {
    "unweighted_average_recall": "unweighted average recall",
    "macro_f1": "macro F1",
    "concordance": "concordance correlation",
    "accuracy": "accuracy",
    "weighted_f1": "weighted F1",
    "calibration_error": "calibration error",
}
#: How the titles of groups of masked rows end.
SOME_STREAMS = "with some streams"
#: What the baseline answers where there is no majority class.
_BASELINES = {"several": "shares in training", "dimensions": "mean of training"}
#: Below so many speakers, draws of whole speakers hardly differ, and an interval says little.
FEW_SPEAKERS = 6
RESPONSIBLE_USE = (
    "Responsible use: a score says how often answers agree with labels that people gave to acted or recorded clips. "
    "It does not say what a person feels, and it does not carry over to other people, languages, rooms or cultures. "
    "Do not use answers to judge, rank, hire, police or treat anyone; have the consent of everyone who is seen or "
    "heard; some uses, such as at work and in schools in the European Union, are forbidden by law."
)


def verdict(results: Mapping[str, Any]) -> tuple[str, str]:
    """How the headline compares: with the best single stream, or with the baseline where there is one stream.

    A single stream is a stream trained alone, or the headline with all others hidden, whichever does better.

    Returns:
        ``above``, ``below`` or ``level`` (the paired interval of the difference includes zero), and a sentence.
    """
    fused = len(results["streams"]) > 1
    difference = results["headline_minus_best_stream" if fused else "headline_minus_majority"]
    other = f"the {row_label(MAJORITY, results)}"
    if fused:
        other = f"the best single stream, {row_label(results['best_single_stream'], results)}"
    relation = "above" if difference["low"] > 0 else "below" if difference["high"] < 0 else "level"
    said = "not told apart from" if relation == "level" else relation
    return relation, (
        f"Headline {said} {other}: paired 95 % interval of the difference {difference['low']:+.3f} to "
        f"{difference['high']:+.3f} over {drawn(results, difference)}."
    )


def drawn(results: Mapping[str, Any], interval: Mapping[str, Any]) -> str:
    """What an interval was drawn over, and how many of them; few speakers make it rough."""
    if interval["over"] != "speakers":
        return f"{results['clips']} {interval['over']}"
    few = "; so few make it rough" if results["speakers"] < FEW_SPEAKERS else ""
    return f"{results['speakers']} speakers{few}"


def row_label(name: str, results: Mapping[str, Any]) -> str:
    """A row's name for people."""
    if name in results["streams"]:
        return f"{name} (alone)" if len(results["streams"]) > 1 else name
    if name == MAJORITY:
        return _BASELINES.get(str(results["kind"]), MAJORITY)
    return f"headline ({headline_words(results)})" if name == HEADLINE else name


def headline_words(results: Mapping[str, Any]) -> str:
    """Which row the headline is."""
    rows = sorted(set(results["chosen"].values()))
    return row_label(rows[0], results) if len(rows) == 1 else "chosen on validation, by split"


def chosen_row(results: Mapping[str, Any]) -> str:
    """The row whose masked rows are the headline's: the one that all splits chose, else the headline itself."""
    chosen: list[str] = sorted(set(results["chosen"].values()))
    return chosen[0] if len(chosen) == 1 else HEADLINE


def grouped_rows(results: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """All rows, in order, under titles (empty for the first group)."""
    rows = results["rows"]
    streams = list(results["streams"])
    if len(streams) == 1:
        return [("", [HEADLINE, *_baselines(results)])]
    heads = [row for row in (*results["heads"], "tuned") if row in rows]
    groups = [("", [HEADLINE]), ("streams trained alone", streams), ("heads with all streams", heads)]
    for head in sorted([HEADLINE, *heads], key=lambda head: head != chosen_row(results)):
        masked = [row for row in rows if row.startswith(f"{head}[")]
        if masked:
            groups.append((f"{head} {SOME_STREAMS}", masked))
    return [*groups, ("baselines", _baselines(results))]


def _baselines(results: Mapping[str, Any]) -> list[str]:
    """Rows that no stream had a part in."""
    return [row for row in (LOUDNESS_AND_LENGTH, MAJORITY) if row in results["rows"]]


def shortcut_verdict(results: Mapping[str, Any]) -> str | None:
    """How the headline compares with loudness and length alone; None where there is no such row."""
    difference = results.get("headline_minus_loudness_and_length")
    if difference is None:
        return None
    relation = "above" if difference["low"] > 0 else "below" if difference["high"] < 0 else "not told apart from"
    return (
        f"Headline {relation} {LOUDNESS_AND_LENGTH} alone: paired 95 % interval of the difference "
        f"{difference['low']:+.3f} to {difference['high']:+.3f} over {drawn(results, difference)}."
    )


def short_rows(results: Mapping[str, Any]) -> list[str]:
    """The rows of a terminal's table: masked ones only of the head that is the headline."""
    mine = chosen_row(results)
    return [
        row
        for title, rows in grouped_rows(results)
        for row in rows
        if not title.endswith(SOME_STREAMS) or title.startswith(f"{mine} ")
    ]
