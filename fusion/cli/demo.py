"""``fusion demo``: generated clips for trying the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add(app: typer.Typer) -> None:
    """Add the commands to the program."""
    demo = typer.Typer(no_args_is_help=True, help="Generated clips of talking faces, for trying the engine.")

    @demo.callback()
    def group() -> None:
        """Generated clips of talking faces, for trying the engine."""

    @demo.command("generate")
    def generate_command(
        folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
        clips: Annotated[int, typer.Option(min=1, help="Number of clips.")] = 96,
        speakers: Annotated[int, typer.Option(min=1, help="Number of invented speakers.")] = 8,
        seed: Annotated[int, typer.Option(min=0, help="Another seed gives other people and clips.")] = 0,
    ) -> None:
        """Write generated clips (H.264 and AAC in MP4) and their manifest into a folder."""
        generate_demo(folder, clips=clips, speakers=speakers, seed=seed)

    @demo.command("run")
    def run_command(
        config: Annotated[Path, typer.Argument(help="An experiment on generated clips.")] = Path("configs/demo.yaml"),
    ) -> None:
        """Generate clips, prepare, finetune, evaluate and predict: everything once, in a few minutes."""
        from fusion.cli.console import out
        from fusion.cli.demo_run import run_demo

        card = run_demo(config)
        out.print(f"\nresult card: {card}", highlight=False, markup=False)

    app.add_typer(demo, name="demo")


def generate_demo(folder: Path, *, clips: int = 96, speakers: int = 8, seed: int = 0) -> Path:
    """Generate the corpus with a progress bar; returns the manifest."""
    from rich.markup import escape

    from fusion.cli.console import making, out
    from fusion.contract import DataError
    from fusion.corpora.demo.generating import generate

    if clips < speakers:
        raise DataError("every speaker needs a clip", where=f"--speakers {speakers}", remedy="raise --clips")
    manifest = generate(folder, clips=clips, speakers=speakers, seed=seed, progress=making)
    out.print(
        escape(
            f"demo: {clips} generated clips, {speakers} speakers, 4 emotions "
            f"(generated: for trying the engine, not for science)\nmanifest  {manifest}"
        ),
        highlight=False,
    )
    return manifest
