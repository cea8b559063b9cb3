from __future__ import annotations

from pathlib import Path

import pytest

from fusion.cli.app import main
from tests.drawing.material import RECIPE, write_corpus


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as left:
        main(["data", "draw", *(str(argument) for argument in arguments)])
    assert isinstance(left.value.code, int)
    return left.value.code


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("clips"), seconds=3.5)


@pytest.fixture
def corpus(manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return f"corpus={{name: manifest, root: {manifest}}}"


def test_a_clip_by_its_id_or_its_file(corpus: str, manifest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(RECIPE, "both", corpus, "window.seconds=1", "--at", "2.2") == 0
    assert capsys.readouterr().out == "drawn  both.svg  2 to 3 s of both\n"
    assert "window 2 to 3 s" in Path("both.svg").read_text()
    # A clip that the experiment leaves out can be looked at all the same.
    assert run(RECIPE, "both", corpus, "corpus.select={speaker: nobody}") == 0
    assert run(RECIPE, manifest.parent / "heard.mp4", corpus, "--out", "deep/er/heard.svg") == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines()[1].startswith("drawn  deep/er/heard.svg  0 to 1 s of heard.mp4")
    assert captured.err.startswith("note: face is absent: ")
    assert "absent: " in Path("deep/er/heard.svg").read_text()


@pytest.mark.parametrize(
    ("clip", "arguments", "expected"),
    [
        ("bothh", (), (65, "bothh: neither a file nor a clip of corpus manifest; did you mean 'both'?")),
        ("12345", (), (65, "12345: neither a file nor a clip of corpus manifest; its first clip is 'both'")),
        ("broken", (), (65, "broken.mp4: ")),
        ("seen", ("streams.face=null",), (65, "seen: no stream has anything to draw (voice: ")),
        ("gone.mp4", ("corpus.root=nowhere",), (66, "gone.mp4: no such file, and no corpus to look for it in (")),
        ("both", ("--at", "70"), (65, "both: the clip ends at 3.5 s; name an earlier second")),
        ("both", ("--at", "soon"), (64, "--at: 'soon' is no second of a clip; write a number such as 12.5")),
        ("both", ("--out", "both.png"), (64, "--out: both.png is no SVG; name a file that ends in .svg")),
    ],
)
def test_bad_input_is_one_sentence(
    corpus: str, capsys: pytest.CaptureFixture[str], clip: str, arguments: tuple[str, ...], expected: tuple[int, str]
) -> None:
    code, sentence = expected
    assert run(RECIPE, clip, corpus, *arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert sentence in captured.err
    assert captured.err.startswith("fusion: ")
    assert captured.err.count("\n") == 1
    assert not list(Path().glob("*.svg"))
