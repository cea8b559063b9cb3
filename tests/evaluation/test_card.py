import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from fusion.evaluation.card import card, write_card
from fusion.heads import options
from fusion.heads.targets import Classes, Dimensions
from tests.evaluation.tables import synthetic

SINGLE = Classes(options.Classes(classes=("calm", "<b>happy</b>", "angry")))
TARGETS: list[Any] = [
    SINGLE,
    Classes(options.Classes(classes=("calm", "happy", "angry"), kind="several")),
    Classes(options.Classes(classes=("calm", "happy", "angry"), kind="soft")),
    Dimensions(options.Dimensions(labels=("valence", "arousal"), lowest=-3, highest=3)),
]
VOID = {"meta"}


class Checked(HTMLParser):
    """Notes elements, and that every one is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text.append(data)


def parsed(page: str) -> Checked:
    checked = Checked()
    checked.feed(page)
    checked.close()
    assert checked.open == []
    return checked


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: t.kind)
def test_the_card_is_whole_and_fetches_nothing(target: Any) -> None:
    page = card(synthetic(target))
    checked = parsed(page)
    assert not {"script", "link", "img", "iframe", "object", "b-happy"} & {tag for tag, _ in checked.seen}
    assert not re.search(r"https?://|url\(|@import", page)
    for _, attributes in checked.seen:
        assert not {"src", "href", "onload"} & set(attributes)
        assert all("nan" not in (value or "").lower().split() for value in attributes.values())
    text = " ".join(checked.text)
    for said in ("95 % interval", "0123456789ab", "no speaker and no take", "Responsible use", "no face"):
        assert said in text
    assert {"polyline", "circle"} & {tag for tag, _ in checked.seen}


def test_all_rows_stand_on_the_card() -> None:
    results = synthetic(SINGLE)
    text = " ".join(parsed(card(results)).text)
    for row in results["rows"]:
        assert row in text
    several = synthetic(TARGETS[1])
    assert "shares in training" in " ".join(parsed(card(several)).text)


def test_names_from_outside_are_text() -> None:
    checked = parsed(card(synthetic(SINGLE)))
    assert "<b>happy</b>" in checked.text
    assert any("</pre><script>" in part for part in checked.text)
    assert any("<three>" in part for part in checked.text)


def test_leaking_and_generated_stand_at_the_top_and_only_where_true() -> None:
    results = synthetic(SINGLE)
    assert 'role="alert"' not in card(results)
    marked = {**results, "leaking": True, "generated": True, "guarantee": "LEAKING: random lets speakers cross parts"}
    page = card(marked)
    assert page.index("<b>Leaking</b>") < page.index("<b>Generated clips</b>") < page.index('class="score"')
    assert "for trying the engine, not for science" in page.lower()


@pytest.mark.parametrize(
    ("low", "high", "style", "words"),
    [
        (0.01, 0.2, "above", "above the best single stream, voice (alone)"),
        (-0.2, -0.01, "below", "below the best single stream, voice (alone)"),
        (-0.1, 0.1, "level", "not told apart from the best single stream, voice (alone)"),
    ],
)
def test_the_verdict_follows_the_paired_interval(low: float, high: float, style: str, words: str) -> None:
    results = {
        **synthetic(SINGLE),
        "best_single_stream": "voice",
        "headline_minus_best_stream": {"low": low, "high": high, "over": "speakers"},
    }
    page = card(results)
    assert f'class="verdict {style}"' in page
    assert words in page


def test_one_unknown_speaker_leaves_out_what_it_cannot_say(tmp_path: Path) -> None:
    results = synthetic(SINGLE, speakers=(None,))
    write_card(tmp_path / "card.html", results)
    page = (tmp_path / "card.html").read_text()
    assert "speakers unknown" in page
    assert "By speaker" not in page
    assert "By split" not in page
    assert "bootstrap over 20 clips" in page
    assert "bootstrap over 3 speakers; so few make it rough" in card(synthetic(SINGLE))
    many = synthetic(SINGLE, speakers=[f"lab:{number}" for number in range(8)], each=4)
    assert "bootstrap over 8 speakers<" in card(many)
