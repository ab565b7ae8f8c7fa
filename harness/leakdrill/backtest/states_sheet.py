"""A test file for `promtool test rules` that asks in which state each alert was at every evaluation.

Forty-eight evaluations are one question: the answer is a number whose bits are the evaluations at which `ALERTS` had
the series. So an hour of evaluations every half a minute is three questions, and a number is exact up to 53 bits.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from leakdrill.alerting.durations import show_ms
from leakdrill.envelope.sheet import RULE_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_QUESTION: Final = "leakdrill_question"
_RAN: Final = "ran"
_IN_A_QUESTION: Final = 48
_LABEL: Final = r'[a-zA-Z_]\w*="(?:[^"\\]|\\.)*"'
_ANSWER: Final = re.compile(rf"\{{({_LABEL}(?:, {_LABEL})*)\}} (\S+?)(?=,? |,?\]|\s|$)")
_EACH_LABEL: Final = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """One alert in one state.

    Attributes:
        sheet: the name of the sheet.
        rule: the number of the rule.
        state: `pending` or `firing`.
        labels: of the alert, without those that tell the rule.
    """

    sheet: str
    rule: int
    state: str
    labels: Labels


@dataclass(frozen=True, slots=True)
class StatesSheet:
    """Alerts that are evaluated in the same series at the same interval.

    Attributes:
        name: unique in a run.
        groups: of rules, each alert with its number as a label.
        series: values in promtool's notation, by series.
        scrape_s: seconds between two of them.
        evaluate_s: seconds between two evaluations.
        ends_s: of the last evaluation.
    """

    name: str
    groups: Sequence[Mapping[str, Any]]
    series: Mapping[str, str]
    scrape_s: float
    evaluate_s: float
    ends_s: float

    @property
    def count(self) -> int:
        """How many evaluations there are."""
        return int(self.ends_s / self.evaluate_s + 1e-9) + 1

    @property
    def evaluations(self) -> float:
        """How often rules are evaluated in it."""
        return self.count * float(sum(len(group["rules"]) for group in self.groups))

    def text(self, rules_file: str) -> str:
        """Returns the test file, in the JSON that is YAML too; the rules are in `rules_file`."""
        return json.dumps({
            "rule_files": [rules_file],
            "evaluation_interval": _shown(self.evaluate_s),
            "group_eval_order": [str(group["name"]) for group in self.groups],
            "tests": [
                {
                    "interval": _shown(self.scrape_s),
                    "input_series": [{"series": name, "values": values} for name, values in self.series.items()],
                    "promql_expr_test": list(self._questions()),
                }
            ],
        })  # fmt: skip

    def rules_text(self) -> str:
        """Returns the rules file."""
        return json.dumps({"groups": self.groups})

    def _questions(self) -> Iterator[dict[str, Any]]:
        step_s = self.evaluate_s
        for part in range(math.ceil(self.count / _IN_A_QUESTION)):
            first = part * _IN_A_QUESTION
            last = min(first + _IN_A_QUESTION, self.count) - 1
            within = f"{_shown((last - first) * step_s + step_s / 2)}:{_shown(step_s)}"
            bit = f"2 ^ scalar(round(vector((time() - {first * step_s!r}) / {step_s!r})))"
            expr = _labelled(f"sum_over_time((ALERTS * ({bit}))[{within}])", f"{self.name}|{part}")
            yield {"expr": expr, "eval_time": _shown(last * step_s), "exp_samples": []}
        end_s = (self.count - 1) * step_s
        yield {"expr": _labelled("vector(1)", f"{self.name}|{_RAN}"), "eval_time": _shown(end_s), "exp_samples": []}


def seen_in(output: str) -> tuple[dict[Seen, set[int]], set[str]]:
    """Returns the evaluations at which each alert was in a state, and the sheets that were played to their end."""
    found: dict[Seen, set[int]] = {}
    ran = set()
    for answer in _ANSWER.finditer(output):
        labels = {name: _unquoted(value) for name, value in _EACH_LABEL.findall(answer[1])}
        sheet, sign, question = labels.pop(_QUESTION, "").rpartition("|")
        rule, state = labels.pop(RULE_LABEL, ""), labels.pop("alertstate", "")
        if question == _RAN:
            ran.add(sheet)
        elif sign and question.isdecimal() and rule.isdecimal():
            seen = Seen(sheet, int(rule), state, tuple(sorted(labels.items())))
            first = int(question) * _IN_A_QUESTION
            bits = int(float(answer[2]))
            found.setdefault(seen, set()).update(first + k for k in range(_IN_A_QUESTION) if bits >> k & 1)
    return found, ran


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text


def _labelled(expr: str, question: str) -> str:
    return f'label_replace({expr}, "{_QUESTION}", "{question}", "", "")'


def _shown(seconds: float) -> str:
    return show_ms(round(seconds * 1000))
