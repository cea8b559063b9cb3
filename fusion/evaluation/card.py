"""A run's results as one self-contained page for people: no scripts, nothing fetched."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from fusion.evaluation import charts
from fusion.evaluation.wording import (
    HEADLINE,
    LOUDNESS_AND_LENGTH,
    MAJORITY,
    MEASURES,
    RESPONSIBLE_USE,
    SOME_STREAMS,
    chosen_row,
    drawn,
    grouped_rows,
    headline_words,
    row_label,
    shortcut_verdict,
    verdict,
)
from fusion.inference.files import write_atomic

Results = Mapping[str, Any]


def write_card(path: Path, results: Results) -> None:
    """Write the card of results as ``results.json`` has them."""
    write_atomic(path, card(results).encode())


def card(results: Results) -> str:
    """The page."""
    css = files("fusion.evaluation").joinpath("card.css").read_text(encoding="utf-8")
    single = results["kind"] in ("single", "soft")
    parts = [_header(results), _banners(results), _hero(results), _rows(results)]
    if single:
        parts.append(_classes(results))
    elif results["kind"] == "several":
        parts.append(_section("Classes", "", charts.class_bars(results["rows"][HEADLINE]["by_class"])))
    parts += [_curves(results), _dimensions(results)]
    if single:
        parts.append(_reliability(results))
    parts += [_groups(results), _absent(results), _making(results), _footer()]
    title = escape(f"{_name(results)}: {results['rows'][HEADLINE][results['measure']]:.3f}")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{css}</style></head><body><main>{''.join(parts)}</main></body></html>\n"
    )


def _name(results: Results) -> str:
    source = Path(results["run"]["source"])
    return f"{source.parent.name}/{source.stem}" if source.parent.name else source.stem


def _header(results: Results) -> str:
    on = results["on"]
    eyebrow = "Result card" if on is None else f"Result card, evaluated on {escape(on['config'])}"
    return f'<header><p class="eyebrow">{eyebrow}</p><h1>{escape(_name(results))}</h1></header>'


def _banners(results: Results) -> str:
    banners = []
    if results["leaking"]:
        how = escape(results["guarantee"].removeprefix("LEAKING: "))
        banners.append(
            f'<div class="banner stop" role="alert"><b>Leaking</b>{how}. These are no scores of unseen people.</div>'
        )
    if results["generated"]:
        banners.append(
            '<div class="banner warn" role="alert"><b>Generated clips</b>'
            "For trying the engine, not for science: no human being is heard or seen.</div>"
        )
    return "".join(banners)


def _hero(results: Results) -> str:
    row = results["rows"][HEADLINE]
    measure = results["measure"]
    interval = row["interval"]
    split = results["run"]["split"]
    facts = {
        "headline": escape(headline_words(results)),
        "test clips": f"{results['clips']} of {_count(results['speakers'], 'speaker')}"
        if results["speakers"]
        else f"{results['clips']}, speakers unknown",
        "protocol": escape(_options(split["protocol"])),
        "guarantee": escape(results["guarantee"]),
        "split": f"<code>{escape(split['hash'])}</code>, {_count(len(results['splits']), 'split')}",
        "seed": str(results["run"]["seed"]),
        "interval": f"95 %, bootstrap over {drawn(results, interval)}",
    }
    if results["on"] is not None:
        facts["model"] = escape(results["on"]["model"])
        facts["corpus"] = escape(results["on"]["corpus"])
        del facts["split"], facts["protocol"]
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts.items())
    relation, sentence = verdict(results)
    said = [*results["notes"], shortcut_verdict(results)]
    notes = "".join(f'<p class="hint">{escape(note)}</p>' for note in said if note)
    return (
        f'<div class="hero"><div><p class="score"><small>{MEASURES[measure]}</small>{row[measure]:.3f}</p>'
        f"<p>95 % interval {interval['low']:.3f} to {interval['high']:.3f}</p>"
        f'<p class="verdict {relation}">{escape(sentence)}</p></div><div><dl>{listed}</dl></div></div>{notes}'
    )


def _rows(results: Results) -> str:
    measure = results["measure"]
    rows = results["rows"]
    base = rows[MAJORITY][measure]
    lows = [row["interval"]["low"] for row in rows.values()]
    highs = [row["interval"]["high"] for row in rows.values()]
    ends = (min([base, *lows]) - 0.02, max(highs) + 0.02)
    columns = [key for key in ("accuracy", "weighted_f1", "calibration_error") if key in rows[HEADLINE]]
    first, others = [], []
    for title, names in grouped_rows(results):
        lines = [_row_line(name, results, (measure, *columns), ends, base) for name in names]
        if title.endswith(SOME_STREAMS) and not title.startswith(f"{chosen_row(results)} "):
            others.append((title, lines))
        else:
            first += [f'<tr class="group"><th colspan="{len(columns) + 4}">{escape(title)}</th></tr>'] if title else []
            first += lines
    hint = (
        "Every stream trained alone, every head with all streams, and every head with some streams hidden. "
        f"The broken line is the {row_label(MAJORITY, results)}. "
        "The headline was named or chosen on validation, never here."
    )
    tables = _row_table(first, (measure, *columns))
    for title, lines in others:
        tables += f"<details><summary>{escape(title)}</summary>{_row_table(lines, (measure, *columns))}</details>"
    return _section("Rows", hint, tables, long=True)


def _row_line(name: str, results: Results, keys: Sequence[str], ends: tuple[float, float], base: float) -> str:
    row = results["rows"][name]
    interval = row["interval"]
    style = {HEADLINE: "headline", MAJORITY: "baseline", LOUDNESS_AND_LENGTH: "baseline"}.get(name, "")
    numbers = "".join(f'<td class="number">{row[key]:.3f}</td>' for key in keys)
    return (
        f'<tr class="{style}"><th scope="row">{escape(row_label(name, results))}</th>{numbers}'
        f'<td class="number">{interval["low"]:.3f} to {interval["high"]:.3f}</td>'
        f'<td class="picture">{charts.whisker(row[results["measure"]], interval, ends, base)}</td></tr>'
    )


def _row_table(lines: Sequence[str], keys: Sequence[str]) -> str:
    head = "".join(f'<th class="number">{MEASURES[key]}</th>' for key in keys)
    return (
        f'<div class="scroll"><table class="rows fixed"><thead><tr><th class="name">row</th>{head}'
        f'<th class="number interval">95 % interval</th><th class="picture"></th></tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _classes(results: Results) -> str:
    row = results["rows"][HEADLINE]
    matrix = charts.confusion(results["names"], row["confusion"])
    return (
        '<section class="columns"><div><h2>Confusion</h2><p class="hint">Rows are what is true, columns what was '
        f'answered; shades are shares of the row.</p><div class="scroll">{matrix}</div></div>'
        '<div><h2>Classes</h2><p class="hint">Of the answers that name a class, how many are right; of its clips, how '
        f"many are found.</p>{charts.class_bars(row['by_class'])}</div></section>"
    )


def _curves(results: Results) -> str:
    curves = results["pictures"].get("curves")
    if not curves:
        return ""
    by_class = results["rows"][HEADLINE]["by_class"]
    areas = results["rows"][HEADLINE]
    chance = {name: by_class[name]["clips"] / results["clips"] for name in curves}
    roc = "".join(
        charts.curve(name, lines["roc"], by_class[name]["roc_area"], chance=None) for name, lines in curves.items()
    )
    precision = "".join(
        charts.curve(name, lines["precision_recall"], by_class[name]["precision_recall_area"], chance=chance[name])
        for name, lines in curves.items()
    )
    body = (
        f"<h3>ROC: hits over false alarms, mean area {areas['roc_area']:.3f}</h3>"
        f'<div class="multiples">{roc}</div>'
        f"<h3>Precision over recall, mean area {areas['precision_recall_area']:.3f}</h3>"
        f'<div class="multiples">{precision}</div>'
    )
    return _section("One class against the rest", "The number is the area; broken lines are chance.", body)


def _dimensions(results: Results) -> str:
    points = results["pictures"].get("points")
    if not points:
        return ""
    values = results["rows"][HEADLINE]["by_dimension"]
    pictures = "".join(charts.scatter(name, points[name], values[name]["concordance"]) for name in points)
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="number">{value["concordance"]:.3f}</td>'
        f'<td class="number">{value["root_mean_square_error"]:.3f}</td></tr>'
        for name, value in values.items()
    )
    table = (
        '<table class="rows"><thead><tr><th>dimension</th><th class="number">concordance</th>'
        f'<th class="number">root mean square error</th></tr></thead><tbody>{lines}</tbody></table>'
    )
    return _section(
        "Dimensions",
        "Clips by rating and answer; on the broken line they agree.",
        f'{table}<div class="multiples large">{pictures}</div>',
    )


def _reliability(results: Results) -> str:
    row = results["rows"][HEADLINE]
    bins = results["pictures"]["reliability"]
    before, after = row["calibration_error_before"], row["calibration_error"]
    legend = (
        f'<p class="legend"><span>calibrated: error {after:.3f}</span>'
        f'<span class="before">as trained: error {before:.3f}</span></p>'
    )
    hint = (
        "Of answers given with a probability, the share that is right: on the broken line they are equal. "
        "One temperature per split was fitted on validation. Larger dots are more clips. "
        "The error is the expected calibration error."
    )
    return _section("Calibration", hint, legend + charts.reliability(bins["before"], bins["after"]))


def _groups(results: Results) -> str:
    measure = MEASURES[results["measure"]]
    measure = measure[:1].upper() + measure[1:]
    blocks = []
    speakers = results["by_speaker"]
    if len(speakers) > 1:
        blocks.append(_group_table("By speaker", speakers))
    side = []
    if len(results["splits"]) > 1:
        scores = results["rows"][HEADLINE]["by_split"]
        side.append(
            _group_table(
                "By split",
                {
                    name: {"score": score, "note": row_label(results["chosen"][name], results)}
                    for name, score in scores.items()
                },
            )
        )
    if len(results["by_sex"]) > 1:
        side.append(_group_table("By sex", results["by_sex"]))
    for title, key in (("By what is said", "by_sentence"), ("By performance", "by_performance")):
        if len(results[key]) > 1:
            side.append(_group_table(title, results[key]))
    if side:
        blocks.append(f"<div>{''.join(side)}</div>")
    if not blocks:
        return ""
    return (
        f'<section><h2>Who it works for</h2><p class="hint">{measure} of the headline. A spread between people is '
        f'part of the result.</p><div class="columns">{"".join(blocks)}</div></section>'
    )


def _group_table(title: str, groups: Mapping[str, Mapping[str, Any]]) -> str:
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{charts.bar(group["score"])}</td>'
        f'<td class="number">{escape(str(group.get("note", ""))) or _clips(group)}</td></tr>'
        for name, group in groups.items()
    )
    return f'<div><h3>{title}</h3><table class="bars"><tbody>{lines}</tbody></table></div>'


def _clips(group: Mapping[str, Any]) -> str:
    return _count(int(group["clips"]), "clip")


def _absent(results: Results) -> str:
    lines = []
    for stream, absent in results["absent"].items():
        total = absent["windows"]
        for reason, count in absent["reasons"].items():
            lines.append(
                f'<tr><th scope="row">{escape(stream)}</th><td>{escape(reason)}</td>'
                f'<td class="number">{count} of {total} windows</td></tr>'
            )
    unanswered = results["clips"] - results["rows"][HEADLINE]["answered"]
    said = (
        f"{_count(unanswered, 'clip')} had no stream at all and got the training part's shares of classes."
        if unanswered
        else "Every clip had at least one stream."
    )
    body = f'<table class="rows"><tbody>{"".join(lines)}</tbody></table>' if lines else ""
    return _section("What was absent", f"{said}{'' if lines else ' No stream was absent anywhere.'}", body)


def _making(results: Results) -> str:
    run = results["run"]
    environment = run["environment"]
    versions = {**environment["versions"], "python": environment["python"]}
    git = environment["git"]
    facts = {
        "trained": escape(str(run.get("begun", ""))),
        "command": f"<code>{escape(' '.join(environment['command'][:1]).rpartition('/')[2])} "
        f"{escape(' '.join(environment['command'][1:]))}</code>",
        "versions": escape(", ".join(f"{name} {version}" for name, version in versions.items())),
        "system": escape(environment["system"]),
        "source": "not in a repository"
        if git is None
        else f"<code>{escape(git['commit'][:12])}</code>{' with changes' if git['changed'] else ''}",
        "clips": f"{run['data']['clips']} and {run['data']['further']} further ones for training",
        "rights": escape(", ".join(run["data"]["rights"]) or "not stated by the corpus"),
    }
    listed = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in facts.items() if value)
    config = escape(json.dumps(run["config"], indent=2, ensure_ascii=False))
    return _section(
        "How it was made",
        "",
        f"<dl>{listed}</dl><details><summary>Resolved config</summary><pre>{config}</pre></details>",
        long=True,
    )


def _footer() -> str:
    return f"<footer>{escape(RESPONSIBLE_USE)}</footer>"


def _section(title: str, hint: str, body: str, *, long: bool = False) -> str:
    said = f'<p class="hint">{escape(hint)}</p>' if hint else ""
    return f"<section{' class=long' if long else ''}><h2>{escape(title)}</h2>{said}{body}</section>"


def _options(protocol: Mapping[str, Any]) -> str:
    """A protocol with its options, as long as they are short."""
    options = ", ".join(f"{key} {value}" for key, value in protocol.items() if key != "name" and len(str(value)) < 60)
    return f"{protocol['name']}{f' ({options})' if options else ''}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
