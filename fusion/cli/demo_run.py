"""``fusion demo run``: every job once, on generated clips."""

from __future__ import annotations

from pathlib import Path

from fusion.contract import InputMissing


def run_demo(config: Path) -> Path:
    """Generate, prepare, pretrain (where the config has it), finetune, evaluate and predict.

    Answers where the result card lies.

    Args:
        config: An experiment on the corpus ``demo`` with a root and a protocol of one split.

    Raises:
        InputMissing: The config is not there.
    """
    from fusion.catalog import catalog
    from fusion.cli.console import out
    from fusion.cli.demo import generate_demo
    from fusion.cli.predict import show
    from fusion.cli.reporting import TerminalReporter
    from fusion.cli.results import print_results
    from fusion.config.experiment import job_folder, read_experiment
    from fusion.corpora import load_corpus
    from fusion.evaluation.evaluate import evaluate
    from fusion.inference import Predictor
    from fusion.inference.files import read_json
    from fusion.training.finetune import finetune

    if not config.exists():
        raise InputMissing(
            "does not exist", where=str(config), remedy="run the demo from the project's folder, or name a config"
        )
    reporter = TerminalReporter()
    loaded = read_experiment(config)
    settings = loaded.experiment.corpus
    root = loaded.source.parent / (settings.root or Path("demo"))
    options = settings.options
    generate_demo(root.resolve(), clips=options["count"], speakers=options["speakers"], seed=options["seed"])
    folder, start = job_folder(loaded, "finetune"), None
    if loaded.experiment.pretrain:
        start = job_folder(loaded, "pretrain")
        _run_command("pretrain", str(config))
    finetune(loaded, folder, start=start, reporter=reporter)
    evaluation = evaluate(folder, reporter=reporter)
    out.print("")
    print_results(evaluation.results)
    (split,) = read_json(folder / "run.json")["folds"]
    predictor = Predictor.load(folder, fold=split)
    clips = {clip.id: clip for clip in load_corpus(settings, catalog=catalog(), base=loaded.source.parent)}
    unseen = read_json(folder / split / "outputs" / "test" / "windows.json")["clips"]
    out.print("\npredict, a clip of a speaker that no model has met:")
    show(predictor(clips[unseen[len(unseen) // 2]]))
    return evaluation.folder / "card.html"


def _run_command(name: str, *arguments: str) -> None:
    """Run a command that a plugin brings, in this process."""
    import typer
    import typer.main

    from fusion.catalog import catalog

    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.callback()(lambda: None)
    catalog().load("command", name)(app)
    typer.main.get_command(app)(args=[name, *arguments], prog_name="fusion", standalone_mode=False)
