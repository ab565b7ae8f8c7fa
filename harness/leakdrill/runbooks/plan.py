"""The plan of a rehearsal: each command of a runbook as a step of the drill, or the reason why it is none."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from leakdrill.masking import masked
from leakdrill.runbooks.as_run import kind_of
from leakdrill.runbooks.as_step import AsStep, Known, NotOurs, as_step
from leakdrill.runbooks.fragment import COMMANDS, FragmentKind, Place
from leakdrill.runbooks.inside import (
    OUTSIDE,
    OtherPlace,
    assigned,
    entered,
    looks_from_outside,
    opens_shell,
    programs,
    waits_s,
)
from leakdrill.runbooks.resolved import Resolver
from leakdrill.runbooks.sought import sought_by, told_in
from leakdrill.runbooks.taken_back import NO_EFFECT, PlannedStep, taking_back
from leakdrill.runbooks.words import simple_words, without_comment
from leakdrill.scenario.rehearsal import LeftOut, RehearsedStep
from leakdrill.scenario.seen import Seen
from leakdrill.scenario.steps import Step
from leakdrill.units import show_duration

if TYPE_CHECKING:
    from leakdrill.runbooks.bindings import Bindings, StepBinding
    from leakdrill.runbooks.fragment import Fragment
    from leakdrill.runbooks.options import Way
    from leakdrill.runbooks.runbook import Runbook
    from leakdrill.scenario.rehearsal import Sought

_NAME_CHARS: Final = 60
_LOOK_S: Final = 15.0
_CHANGE_S: Final = 60.0
_LONGEST_WAIT_S: Final = 60.0
"""A runbook waits as long as production needs; a drill of minutes cannot."""
_BESIDE: Final = ("process", "existing")
"""Platforms on which a line runs beside the target, on this machine."""
_UNITS: Final = frozenset({"systemctl", "journalctl", "service", "supervisorctl", "initctl"})
"""Programs that look at a unit of a machine; no target of a drill is one."""
_ELSEWHERE: Final = frozenset(
    {
        *("aws", "awslocal", "gcloud", "gsutil", "az", "doctl", "ibmcloud", "oci", "openstack", "aliyun", "hcloud"),
        *("linode-cli", "flyctl", "heroku", "terraform", "tofu", "pulumi", "ansible", "ansible-playbook", "vault"),
        *("consul", "nomad", "argocd", "flux", "istioctl", "gh", "glab"),
    }
)
"""Programs that ask a cloud or a service of a company, with the credentials of whoever starts them."""
_FROM_HERE: Final = frozenset({"curl", "nvidia-smi", "amtool", "promtool"})
"""Programs that look at a service in a container from this machine, where an operator has them."""
_SAVES: Final = re.compile(r"(?:time\s+)?curl\s[^|;&<>`$]*(?:>\s*|-o\s+)[\w.-]+")
"""A response that is saved as a file of the step's own folder."""
_INERT: Final = {
    FragmentKind.QUERY: "it is a query, and Prometheus evaluates the drill's rules",
    FragmentKind.RULE: "it is a rule; the drill evaluates those that the scenario names",
    FragmentKind.CONFIGURATION: "it is configuration, which nothing applies here",
    FragmentKind.CODE: "it is code for the application, which changes with its next version",
}


@dataclass(frozen=True)
class Unbound:
    """Something that no binding gives a value, in a command that is to run."""

    line: int
    text: str


@dataclass(frozen=True)
class Plan:
    """What a rehearsal carries out, in order, what it does not, and what has no value yet."""

    steps: list[PlannedStep] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    unbound: list[Unbound] = field(default_factory=list)


def make_plan(runbook: Runbook, bindings: Bindings, way: Way, *, platform: str, target: str = "") -> Plan:
    """The plan for `way` through `runbook` on a target of the kind `platform`.

    Args:
        runbook: what was read.
        bindings: what its words mean.
        way: which options it takes.
        platform: `process`, `docker`, `compose`, `kubernetes` or `existing`.
        target: the target's own name, which the runbook may use as well.
    """
    planner = _Planner(runbook, bindings, platform, target)
    for fragment in runbook.fragments:
        if way.takes(fragment):
            planner.add(fragment)
    return replace(planner.plan, steps=taking_back(planner.plan.steps))


class _Refused(Exception):  # noqa: N818 - an answer for the plan
    """The command is not carried out; says why."""


class _Planner:
    """Adds one fragment after the other."""

    def __init__(self, runbook: Runbook, bindings: Bindings, platform: str, target: str) -> None:
        self.plan = Plan()
        self._runbook, self._bindings, self._platform = runbook, bindings, platform
        self._names = {*bindings.target, *([target] if target else [])}
        self._resolver = Resolver(bindings, self._names)
        self._used: set[str] = set()

    def add(self, fragment: Fragment) -> None:
        """Plan `fragment`, where it is a command."""
        binding = self._binding(fragment)
        try:
            planned = self._planned(fragment, binding)
        except _Refused as e:
            left_out = LeftOut(line=fragment.line, text=fragment.text, kind=fragment.kind.value, why=str(e))
            self.plan.left_out.append(left_out)
        else:
            if planned is not None:
                self.plan.steps.append(planned)

    def _binding(self, fragment: Fragment) -> StepBinding | None:
        return next((one for one in self._bindings.steps if means(one, fragment)), None)

    def _planned(self, fragment: Fragment, binding: StepBinding | None) -> PlannedStep | None:
        if binding is not None and binding.skip is not None:
            raise _Refused(binding.skip)
        bound = binding is not None and (binding.do is not None or binding.run is not None)
        if fragment.kind in _INERT and not bound:
            raise _Refused(_INERT[fragment.kind])
        if fragment.kind is FragmentKind.UNKNOWN and not bound:
            raise _Refused(f"what it does is not known ({fragment.reason}); bind it to a step, or to a line of its own")
        if fragment.kind not in COMMANDS and not bound:
            return None
        if fragment.place is Place.INLINE and not bound:
            raise _Refused("it stands in a sentence, which speaks of it; bind its line to have it carried out")
        kind = FragmentKind.CHANGE if fragment.kind not in COMMANDS else fragment.kind
        if binding is not None and binding.do is not None:
            return self._step(fragment, kind, AsStep(dict(binding.do), undo=fragment.undo), binding, "the target")
        line = self._line(fragment, binding)
        kind = self._kind_as_run(fragment, binding, kind, line)
        words = simple_words(line)
        try:
            known = words and kind is not FragmentKind.LOOK and as_step(words, Known(self._names))
        except NotOurs as e:
            raise _Refused(str(e)) from e
        if known:
            return self._step(fragment, kind, known, binding, "the target")
        return self._command(fragment, kind, line, binding)

    def _kind_as_run(
        self, fragment: Fragment, binding: StepBinding | None, kind: FragmentKind, line: str
    ) -> FragmentKind:
        """What `line` is with its values: a look stays one only where they leave it one."""
        asked = binding is not None and binding.run is not None
        if kind is not FragmentKind.LOOK or not (asked or fragment.placeholders):
            return kind
        found = kind_of(line)
        if found is FragmentKind.UNKNOWN and not asked:
            raise _Refused(
                "what it does is not known once its placeholders have their values; bind it to a line to run"
            )
        return kind if found is FragmentKind.UNKNOWN else found

    def _line(self, fragment: Fragment, binding: StepBinding | None) -> str:
        """The line that would run, with everything in it resolved, seen from where it runs."""
        text = without_comment(binding.run if binding and binding.run is not None else fragment.text)
        try:
            line = entered(text, self._names)
        except OtherPlace as e:
            raise _Refused(str(e)) from e
        if opens_shell(line):
            raise _Refused("it opens a shell in the target; the commands after it run there")
        from_here = next(iter(programs(line)), "") in _FROM_HERE
        resolved = self._resolver.resolved(line, fragment, inside=self._platform not in _BESIDE and not from_here)
        if resolved.unbound:
            self.plan.unbound.extend(Unbound(fragment.line, text) for text in resolved.unbound)
            raise _Refused(f"nothing says what {resolved.unbound[0]} means")
        if resolved.stranger:
            raise _Refused(f"it talks to {resolved.stranger}, which bindings do not map to anything of the drill")
        return resolved.line

    def _command(self, fragment: Fragment, kind: FragmentKind, line: str, binding: StepBinding | None) -> PlannedStep:
        if waits_s(line) > _LONGEST_WAIT_S:
            waits = f"it waits for {show_duration(waits_s(line))}, and a rehearsal for {show_duration(_LONGEST_WAIT_S)}"
            raise _Refused(f"{waits} at most; bind it to a line that waits less (`run: sleep 10`)")
        outside = looks_from_outside(line)
        first = next(iter(programs(line)), "")
        on_machine = outside is not None or (self._platform != "process" and first in _FROM_HERE)
        if outside is not None and OUTSIDE[outside] != _family(self._platform):
            raise _Refused(f"{outside} has nothing to look at: the target is a {self._platform}")
        asked = binding is not None and binding.run is not None
        if first in _UNITS and not asked:
            unit = f"{first} speaks of a unit of its machine, and the drill's target is none"
            raise _Refused(f"{unit}; bind it to a step, or to a line to run")
        elsewhere = next((name for name in programs(line) if name in _ELSEWHERE), "")
        if elsewhere and not asked:
            raise _Refused(
                f"{elsewhere} asks something that is not the drill's, with your credentials; "
                "bind it to a step, or to a line to run"
            )
        if kind is not FragmentKind.LOOK and outside is not None:
            raise _Refused(f"{outside} would change more than the target; bind it to a step")
        if kind is not FragmentKind.LOOK and on_machine and not _SAVES.fullmatch(line):
            raise _Refused("it would change this machine; bind it to a step, or to a line to run")
        if kind is not FragmentKind.LOOK and self._platform in _BESIDE and not asked:
            raise _Refused(
                f"it would change this machine, because the target is a {self._platform}; "
                "bind it to a step, or to a line to run"
            )
        if on_machine:
            line = self._resolver.from_outside(line, self._platform)
        where = "this machine" if on_machine else _inside(self._platform)
        do = {"command": {"shell": line, "on_machine": on_machine, "keeps": assigned(line)}}
        planned = self._step(fragment, kind, AsStep(do, undo=fragment.undo), binding, where)
        timeout_s = planned.step.timeout + waits_s(line)
        return replace(planned, step=planned.step.model_copy(update={"timeout": timeout_s}))

    def _step(
        self, fragment: Fragment, kind: FragmentKind, known: AsStep, binding: StepBinding | None, where: str
    ) -> PlannedStep:
        look = kind is FragmentKind.LOOK
        name = self._name(fragment)
        seen = NO_EFFECT if look else Seen().model_copy(update={"within": self._bindings.within})
        step = _step(name, known).model_copy(
            update={
                "timeout": _LOOK_S if look else _CHANGE_S,
                "seen": binding.seen if binding and binding.seen else seen,
            }
        )
        stays = binding.stays if binding else ""
        rehearsed = RehearsedStep(
            name=name,
            line=fragment.line,
            text=fragment.text,
            kind=kind.value,
            where=where,
            sought=self._sought(fragment, binding) if look else None,
            undo=None if look or stays else known.undo,
            subject="" if look else known.subject,
            stays=stays,
        )
        return PlannedStep(step, rehearsed)

    def _sought(self, fragment: Fragment, binding: StepBinding | None) -> Sought | None:
        if binding is not None and binding.sought is not None:
            return next(iter(told_in(binding.sought, fragment.line)), None)
        return sought_by(self._runbook, fragment)

    def _name(self, fragment: Fragment) -> str:
        words = masked(" ".join(fragment.text.split()))
        words = words if len(words) <= _NAME_CHARS else masked(f"{words[: _NAME_CHARS - 1]}…")
        name, more = f"line {fragment.line}: {words}", 2
        while name in self._used:
            name, more = f"line {fragment.line}: {words} ({more})", more + 1
        self._used.add(name)
        return name


def _step(name: str, known: AsStep) -> Step:
    try:
        return Step.model_validate({"name": name, **known.do})
    except ValidationError as e:
        problem = e.errors()[0]["msg"].removeprefix("Value error, ")
        raise _Refused(f"it cannot be the step {next(iter(known.do))}: {problem}") from e


def means(binding: StepBinding, fragment: Fragment) -> bool:
    """Whether `binding` is for `fragment`."""
    if binding.line is not None:
        return binding.line == fragment.line
    return re.sub(r"\s+", " ", binding.text or "").strip() == re.sub(r"\s+", " ", fragment.text).strip()


def _family(platform: str) -> str:
    return "docker" if platform == "compose" else platform


def _inside(platform: str) -> str:
    inside = {"docker": "the container", "compose": "the container", "kubernetes": "the pod"}
    return inside.get(platform, "this machine, beside the target")
