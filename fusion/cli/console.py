"""What the program prints: results on standard output, progress and complaints on standard error."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from rich.console import Console

if TYPE_CHECKING:
    from rich.table import Table

#: Columns where the output goes to no terminal: lines are cut by whoever reads them, not by us.
UNBOUNDED = 240


def _console(*, stderr: bool = False) -> Console:
    console = Console(stderr=stderr, highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = UNBOUNDED
    return console


out = _console()
err = _console(stderr=True)


@contextmanager
def progress(description: str, total: int | None, unit: str = "") -> Iterator[Callable[..., None]]:
    """A bar on standard error; where that is no terminal, one line at the end.

    Args:
        description: What is being done, one word where possible.
        total: How many there are; None where unknown.
        unit: Of what.

    Yields:
        ``advance(count=1, *, note=None)``: so many more are done; the note stands at the end of the bar.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("  {task.description:<9}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
        console=err,
    )
    with bar:
        task = bar.add_task(description, total=total, unit=unit, note="")

        def advance(count: int = 1, *, note: str | None = None) -> None:
            if note is None:
                bar.update(task, advance=count)
            else:
                bar.update(task, advance=count, note=note)

        yield advance


def making(total: int) -> AbstractContextManager[Callable[..., None]]:
    """The bar of a corpus that makes itself; see ``fusion.corpora.loading.load_corpus``."""
    return progress("generate", total, "clips")


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str | None = None,
    numbers: Collection[str] = (),
) -> None:
    """Print a plain table on standard output.

    Args:
        columns: Headings.
        rows: Cells, of any type; None is shown as nothing.
        title: A line above.
        numbers: Columns that are aligned to the right.
    """
    out.print(_table(columns, rows, title, numbers))


def _table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None, numbers: Collection[str]
) -> Table:
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, title=title, title_justify="left", title_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(*("" if cell is None else Text(str(cell)) for cell in row))
    return made
