"""A test file for `promtool test rules`: made series, the rules, and questions whose answers it prints as failures.

promtool reports what an expression gave when something else was expected. So nothing is expected, and what an alert did
is asked of `ALERTS`, which promtool keeps as a Prometheus does. Each answer carries its play and question as a label.
A question that always has an answer tells a play that ran from one that was never reached.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from leakdrill.alerting.durations import show_ms
from leakdrill.envelope.partition import PLAY_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

RULE_LABEL: Final = "leakdrill_rule"
_OF_ONE_MORE: Final = 0.1
"""What one more play beside another costs, of an evaluation."""
_QUESTION: Final = "leakdrill_question"
_RAN: Final = "ran"
_ANSWER: Final = re.compile(rf'\{{([^}}]*{_QUESTION}="([^"|]*)\|([^"]*)"[^}}]*)\}} (\S+?),?(?=\s|$)')
_RULE: Final = re.compile(rf'{RULE_LABEL}="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Play:
    """One course that is played to the rules.

    Attributes:
        name: unique in a run.
        series: values in promtool's notation, by series.
        scrape_s: seconds between two of them.
        ends_s: when it is asked, and the last evaluation.
        is_counted: whether it is asked at how many evaluations an alert fired.
    """

    name: str
    series: Mapping[str, str]
    scrape_s: float
    ends_s: float
    is_counted: bool = True


@dataclass(frozen=True, slots=True)
class Sheet:
    """Plays that the same rules are evaluated for, at the same interval.

    Attributes:
        groups: of rules, as a rules file has them; each alert with a label `leakdrill_rule` of its own.
        evaluate_s: seconds between two evaluations.
        plays: what is played.
        side_by_side: whether they are one test: the rules keep them apart by a label, and they are scraped alike.
    """

    groups: Sequence[Mapping[str, Any]]
    evaluate_s: float
    plays: tuple[Play, ...]
    side_by_side: bool = False

    @property
    def evaluations(self) -> float:
        """How often rules are evaluated in it."""
        rules = sum(len(group["rules"]) for group in self.groups)
        if self.side_by_side:
            longest_s = max(play.ends_s for play in self.plays)
            return longest_s / self.evaluate_s * rules * (1 + _OF_ONE_MORE * len(self.plays))
        return sum(play.ends_s / self.evaluate_s for play in self.plays) * rules

    def text(self, rules_file: str) -> str:
        """Returns the test file, in the JSON that is YAML too; the rules are in `rules_file`."""
        order = [str(group["name"]) for group in self.groups]
        return json.dumps({
            "rule_files": [rules_file],
            "evaluation_interval": _shown(self.evaluate_s),
            "group_eval_order": order,
            "tests": [self._together()] if self.side_by_side else [self._test(play) for play in self.plays],
        })  # fmt: skip

    def rules_text(self) -> str:
        """Returns the rules file."""
        return json.dumps({"groups": self.groups})

    def _test(self, play: Play) -> dict[str, Any]:
        return {
            "interval": _shown(play.scrape_s),
            "input_series": [{"series": series, "values": values} for series, values in play.series.items()],
            "promql_expr_test": [
                {"expr": expr, "eval_time": _shown(play.ends_s), "exp_samples": []} for expr in self._questions(play)
            ],
        }

    def _together(self) -> dict[str, Any]:
        """One test of all plays, each series with the label that says of which."""
        series = [
            {"series": f'{name[:-1]}{"" if name.endswith("{}") else ","}{PLAY_LABEL}="{play.name}"}}', "values": values}
            for play in self.plays
            for name, values in play.series.items()
        ]
        questions = [question for play in self.plays for question in self._test(play)["promql_expr_test"]]
        return {"interval": _shown(self.plays[0].scrape_s), "input_series": series, "promql_expr_test": questions}

    def _questions(self, play: Play) -> Iterator[str]:
        own = f',{PLAY_LABEL}="{play.name}"' if self.side_by_side else ""
        firing = f'ALERTS{{alertstate="firing"{own}}}'
        within, step = _shown(play.ends_s + self.evaluate_s), _shown(self.evaluate_s)
        first = f"min by ({RULE_LABEL}) (min_over_time(timestamp({firing})[{within}:{step}]))"
        yield _labelled(first, f"{play.name}|first")
        if play.is_counted:
            yield _labelled(f"max by ({RULE_LABEL}) (count_over_time({firing}[{within}]))", f"{play.name}|count")
        yield _labelled("vector(1)", f"{play.name}|{_RAN}")


@dataclass(frozen=True, slots=True)
class Firing:
    """What one alert did in one play.

    Attributes:
        first_s: when it first fired, in seconds of the play.
        evaluations: at how many evaluations it fired; 1 where that was not asked.
    """

    first_s: float
    evaluations: int


def answers(output: str) -> tuple[dict[tuple[str, str], Firing], set[str]]:
    """Returns what promtool printed: what each alert did, by play and rule, and the plays that were reached."""
    numbers: dict[tuple[str, str, str], float] = {}
    ran = set()
    for found in _ANSWER.finditer(output):
        labels, play, question, value = found.groups()
        rule = _RULE.search(labels)
        if question == _RAN:
            ran.add(play)
        elif rule is not None:
            numbers[play, rule[1], question] = float(value)
    firings = {
        (play, rule): Firing(first, round(numbers.get((play, rule, "count"), 1)))
        for (play, rule, question), first in numbers.items()
        if question == "first"
    }
    return firings, ran


def _labelled(expr: str, question: str) -> str:
    return f'label_replace({expr}, "{_QUESTION}", "{question}", "", "")'


def _shown(seconds: float) -> str:
    return show_ms(round(seconds * 1000))
