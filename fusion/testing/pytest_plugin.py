"""The pytest plugin: what came of a check, in pytest's own words. Loaded by pytest wherever the engine is installed."""

from __future__ import annotations

import sys
from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A check that does not apply is a skip, a known failure an expected one, and a fault is told by its sentence."""
    report = yield
    raising = sys.modules.get("fusion.testing.raising")
    if raising is None or call.excinfo is None:
        return report
    error = call.excinfo.value
    if isinstance(error, raising.CheckSkipped):
        path, line, _ = item.location
        report.outcome, report.longrepr = "skipped", (path, (line or 0) + 1, f"Skipped: {error}")
    elif isinstance(error, raising.FailureKnown):
        report.outcome, report.wasxfail, report.longrepr = "skipped", str(error), None
    elif isinstance(error, raising.CheckFailed):
        report.longrepr = f"{error}\n\n{_cause(error)}".rstrip()
    return report


def _cause(error: BaseException) -> str:
    """The traceback of what the component itself raised."""
    import traceback

    return "" if error.__cause__ is None else "".join(traceback.format_exception(error.__cause__))
