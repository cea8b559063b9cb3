"""The kit's core: checks as small named functions, how they are run, and what comes out.

A check is written once for a kind of component and run for each of its examples:

    @check("head", remedy="mask absent streams before anything is combined", needs=("answers_as_declared",))
    def absent_streams_have_no_influence(case: HeadCase) -> None:
        '''What an absent stream holds does not change the answer.'''
        ...
        raise Fault("the answer changes by 0.3 when an absent stream's values change")
"""

from __future__ import annotations

import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

from fusion.catalog import Catalog, Registration
from fusion.contract import ComponentError, Example, FusionError
from fusion.testing.randomness import undisturbed

State = Literal["passed", "failed", "known", "skipped"]


class Fault(Exception):  # noqa: N818 - what a check finds
    """What a check finds wrong: one clause in lower case without a full stop, and a remedy better than the check's."""

    def __init__(self, what: str, remedy: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


class NotApplicable(Exception):  # noqa: N818 - no fault at all
    """A check has nothing to say about this component; the reason is what the component declares."""


@dataclass(frozen=True)
class Rule:
    """A check as it is written, for one kind of component.

    Args:
        kind: The kind of component.
        name: The function's name.
        test: Takes a case; raises Fault or NotApplicable.
        remedy: What to do about a fault.
        needs: Checks without which this one says nothing; it is skipped where one of them fails.
        summary: The first line of the function's docstring.
        whole: Whether it looks at the component as a whole, rather than at each example.
    """

    kind: str
    name: str
    test: Callable[[Any], None]
    remedy: str
    needs: tuple[str, ...]
    summary: str
    whole: bool


@dataclass(frozen=True)
class Outcome:
    """What came of a check.

    Args:
        state: ``passed``; ``failed``; ``known``: it failed as its author wrote down; ``skipped``: it does not apply,
            or needs a check that failed.
        message: One sentence that names component, fault and remedy, or the reason; empty where it passed.
        seconds: How long it took, without what it needs.
        cause: What the component raised, if it raised anything.
        blocked: Whether it was skipped for a check that failed.
    """

    state: State
    message: str = ""
    seconds: float = 0.0
    cause: BaseException | None = None
    blocked: bool = False


#: All checks, by kind and name.
RULES: dict[str, dict[str, Rule]] = {}
#: By kind, what makes a case of a subject and an example.
CASES: dict[str, Callable[[Subject, Example], Any]] = {}

Test = TypeVar("Test", bound=Callable[[Any], None])
CaseType = TypeVar("CaseType", bound=type)


def check(
    *kinds: str, remedy: str, needs: tuple[str, ...] = ("builds",), whole: bool = False
) -> Callable[[Test], Test]:
    """Make a function a check of these kinds of components."""

    def add(test: Test) -> Test:
        summary = (test.__doc__ or "").partition("\n")[0]
        for kind in kinds:
            rules = RULES.setdefault(kind, {})
            assert test.__name__ not in rules, test.__name__
            rules[test.__name__] = Rule(kind, test.__name__, test, remedy, needs, summary, whole)
        return test

    return add


def case_of(*kinds: str) -> Callable[[CaseType], CaseType]:
    """Make a class what the checks of these kinds are given: it is constructed with a subject and an example."""

    def add(cls: CaseType) -> CaseType:
        CASES.update(dict.fromkeys(kinds, cls))
        return cls

    return add


class Subject:
    """One component under check."""

    def __init__(self, bench: Bench, registration: Registration) -> None:
        self.bench = bench
        self.registration = registration
        self._outcomes: dict[str, Outcome] = {}
        self._cases: dict[int, Any] = {}

    @property
    def kind(self) -> str:
        return self.registration.kind

    @property
    def name(self) -> str:
        return self.registration.name

    @cached_property
    def folder(self) -> Path:
        """A folder of its own; its examples are written there."""
        folder = self.bench.folder / self.kind / self.name
        folder.mkdir(parents=True)
        return folder

    @cached_property
    def examples(self) -> tuple[Example, ...]:
        """Its examples, made on first use.

        Raises:
            Fault: They are none.
        """
        where = self.registration.examples
        with undisturbed():
            try:
                examples = tuple(self.bench.catalog.examples(self.registration, self.folder))
            except (Exception, SystemExit) as error:
                raise Fault(f"its examples fail: {type(error).__name__}: {_line(error)}", f"mend {where}") from error
        if not examples or not all(isinstance(example, Example) for example in examples):
            found = ", ".join(sorted({type(example).__name__ for example in examples})) or "nothing"
            raise Fault(f"its examples are {found}", f"let {where} answer a sequence of fusion.contract.Example")
        return examples

    def case(self, example: Example) -> Any:
        """What the checks of its kind are given; the same for all of them."""
        if id(example) not in self._cases:
            self._cases[id(example)] = CASES[self.kind](self, example)
        return self._cases[id(example)]

    def outcome(self, rule: Rule) -> Outcome:
        """Run a check, and before it what it needs; each is run once."""
        if rule.name not in self._outcomes:
            self._outcomes[rule.name] = self._run(rule)
        return self._outcomes[rule.name]

    def _run(self, rule: Rule) -> Outcome:
        for name in rule.needs:
            needed = self.outcome(RULES[self.kind][name])
            if needed.blocked:
                return needed
            if needed.state in ("failed", "known"):
                return Outcome("skipped", f"skipped, for {name} fails", blocked=True)
        begun = time.monotonic()
        outcomes = list(self._each(rule))
        for state in ("failed", "known", "passed"):
            for outcome in outcomes:
                if outcome.state == state:
                    return Outcome(state, outcome.message, time.monotonic() - begun, outcome.cause)
        return outcomes[0]

    def _each(self, rule: Rule) -> Iterator[Outcome]:
        if rule.whole:
            yield self._try(rule, None)
            return
        try:
            examples = self.examples
        except Fault as fault:
            yield Outcome("failed", self._sentence(fault, rule, None), cause=fault.__cause__)
            return
        for example in examples:
            yield self._try(rule, example)

    def _try(self, rule: Rule, example: Example | None) -> Outcome:
        known = self._known(rule, example)
        try:
            with undisturbed():
                rule.test(self if example is None else self.case(example))
        except NotApplicable as reason:
            return Outcome("skipped", f"does not apply: {reason}")
        except (Exception, SystemExit) as error:
            fault = error if isinstance(error, Fault) else _raised(error)
            cause = error.__cause__ if isinstance(error, Fault) else error
            sentence = self._sentence(fault, rule, example)
            if known is not None:
                return Outcome("known", f"{known} ({sentence})", cause=cause)
            return Outcome("failed", sentence, cause=cause)
        if known is not None:
            fault = Fault(f"{rule.name} passes, but is written down as a known failure ({known})", "strike it out")
            return Outcome("failed", self._sentence(fault, rule, example))
        return Outcome("passed")

    def _known(self, rule: Rule, example: Example | None) -> str | None:
        """Why a check is known to fail with an example; without one, with any of them."""
        try:
            examples = self.examples if example is None else (example,)
        except Fault:
            return None
        return next((one.known_failures[rule.name] for one in examples if rule.name in one.known_failures), None)

    def _sentence(self, fault: Fault, rule: Rule, example: Example | None) -> str:
        named = f" (example '{example.name}')" if example is not None and example.name else ""
        return f"{self.kind} '{self.name}'{named}: {fault.what}; {fault.remedy or rule.remedy}"


class Bench:
    """The components of one catalog under check, and a temporary folder for their examples.

    Args:
        catalog: Where components are found.
        golden: The file of golden outputs; by default that of each plugin.
    """

    def __init__(self, catalog: Catalog, golden: Path | None = None) -> None:
        self.catalog = catalog
        self.golden = golden
        self._subjects: dict[tuple[str, str], Subject] = {}
        #: What later checks may use again: inputs by their description.
        self.kept: dict[Any, Any] = {}
        #: What importing a plugin's modules does, by plugin.
        self.imports: dict[str, Any] = {}

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """All that was asked for until now."""
        return tuple(self._subjects.values())

    @cached_property
    def folder(self) -> Path:
        """Removed with the bench, at the latest when the process ends."""
        folder = Path(tempfile.mkdtemp(prefix="fusion_testing_"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    def subject(self, kind: str, name: str) -> Subject:
        """The component of a kind and name.

        Raises:
            ComponentError: There is none.
        """
        if (kind, name) not in self._subjects:
            self._subjects[kind, name] = Subject(self, self.catalog.find(kind, name))
        return self._subjects[kind, name]


class Case:
    """A component with one example. Each kind has a case of its own, with the inputs that its checks share."""

    def __init__(self, subject: Subject, example: Example) -> None:
        self.subject = subject
        self.example = example

    @property
    def catalog(self) -> Catalog:
        return self.subject.bench.catalog

    @cached_property
    def component(self) -> Mapping[str, Any]:
        """The component with the example's options, as a config names it."""
        return {"name": self.subject.name, **self.example.options}

    def build(self, *arguments: Any) -> Any:
        """A new instance.

        Raises:
            Fault: It cannot be built.
        """
        return built(self.catalog, self.subject.kind, self.component, *arguments)

    @cached_property
    def instance(self) -> Any:
        """One instance, for checks that do not change it; of kinds that are constructed with their options alone."""
        return self.build()


def built(catalog: Catalog, kind: str, component: Mapping[str, Any], *arguments: Any) -> Any:
    """A component; raises Fault where it cannot be built."""
    try:
        return catalog.build(kind, component, *arguments)
    except (Exception, SystemExit) as error:
        what = f"{kind} {dict(component)} cannot be built: {type(error).__name__}: {_line(error)}"
        remedy = (
            "let it construct, or name options and inputs that it can be checked with: "
            "register(..., examples='package.module:function')"
        )
        raise Fault(what, remedy) from error


def _raised(error: BaseException) -> Fault:
    kind = (
        "" if isinstance(error, FusionError) and not isinstance(error, ComponentError) else f"{type(error).__name__}: "
    )
    return Fault(f"raises {kind}{_line(error)}")


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:297] + "..."
