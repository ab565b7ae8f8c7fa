"""A scenario file is read whole, or refused with the line of every mistake."""

import pytest

from leakdrill.errors import BadInput
from leakdrill.scenario.leaks import Leak
from leakdrill.scenario.reader import MOST_MISTAKES, read_scenario
from leakdrill.scenario.scenario import Scenario, scenario_schema

GOOD = """\
name: shop/cart
target:
  name: cart
  command: ["{python}", -m, cart]
  limits: {memory: 256MiB}
leaks: [{name: cache, per_request: 64KiB}]
load:
  locustfile: locustfile.py
  users: 3
alerts:
  expect:
    - alert: High
      labels: {severity: warning}
      fires_within: 5m
phases:
  baseline: 30s
steps:
  - name: restart
    on: High{severity=warning}
    restart: {}
"""


@pytest.fixture
def write(tmp_path):
    (tmp_path / "locustfile.py").touch()

    def to_file(text):
        path = tmp_path / "cart.yaml"
        path.write_text(text)
        return path

    return to_file


def mistake(path):
    with pytest.raises(BadInput) as caught:
        read_scenario(path)
    assert caught.value.exit_code == 3
    return str(caught.value).replace(str(path), "cart.yaml")


def test_quantities_become_numbers_and_paths_become_absolute(write, tmp_path):
    scenario = read_scenario(write(GOOD))
    assert scenario.target.limits.memory == 2**28
    assert scenario.phases.baseline == 30
    assert scenario.load.locustfile == tmp_path / "locustfile.py"
    assert scenario.steps[0].on is not None
    assert scenario.steps[0].on.labels == {"severity": "warning"}


def test_a_scenario_survives_the_way_through_json(write):
    scenario = read_scenario(write(GOOD))
    assert Scenario.model_validate_json(scenario.model_dump_json()) == scenario


@pytest.mark.parametrize(
    ("before", "after"), [("256MiB", "2TiB"), ("5m", "0.00001s"), ("users: 3", "users: 3\n  rate: 0.001/h")]
)
def test_great_and_small_quantities_survive_it_too(write, before, after):
    assert before in GOOD
    scenario = read_scenario(write(GOOD.replace(before, after, 1)))
    assert Scenario.model_validate_json(scenario.model_dump_json()) == scenario


@pytest.mark.parametrize(("resource", "amount"), [("memory", "2TiB"), ("cpu", "0.01ms")])
def test_a_leak_keeps_what_it_grows_by(resource, amount):
    leak = Leak.model_validate({"name": "a", "resource": resource, "per_request": amount})
    assert Leak.model_validate_json(leak.model_dump_json()) == leak


def test_a_scenario_is_frozen(write):
    with pytest.raises(ValueError, match="frozen"):
        read_scenario(write(GOOD)).phases.baseline = 3


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("fires_within: 5m", "fires_within: 5 minuets",
         'cart.yaml:14: alerts.expect[0].fires_within: "5 minuets" is not a duration; expected a number with a unit'),
        ("memory: 256MiB", "memroy: 256MiB",
         'cart.yaml:5: target.limits.memroy: is not a key here; did you mean "memory"?'),
        ("users: 3", "users: three", 'cart.yaml:9: load.users: found "three"; expected a valid integer'),
        ("users: 3", "users: 0", "cart.yaml:9: load.users: found 0; expected greater than or equal to 1"),
        ("    restart: {}\n", "", "cart.yaml:18: steps[0]: expected exactly one of"),
        ("baseline: 30s", "baseline: 30", "cart.yaml:16: phases.baseline: 30 is not a duration"),
        ("  users: 3\n", "  users: 3\n  users: 4\n", "cart.yaml:10: load.users: given twice; first on line 9"),
        ("locustfile: locustfile.py", "locustfile: nowhere.py", "cart.yaml:8: load.locustfile: there is no nowhere.py"),
        ("High{severity=warning}", "High{severity}", 'cart.yaml:19: steps[0].on: "High{severity}" is no alert'),
        ("restart: {}", "restart: 5", "cart.yaml:20: steps[0].restart: found 5; expected a mapping of keys to values"),
        ("locustfile: locustfile.py", "locustfile: 5", "cart.yaml:8: load.locustfile: found 5; expected a path"),
        ("memory: 256MiB", "cpus: .inf", "cart.yaml:5: target.limits.cpus: found inf; expected a finite number"),
        ("name: shop/cart\n", "", "name: is missing"),
        ("  name: cart\n", "  name: [cart\n", "not YAML"),
    ],
)  # fmt: skip
def test_a_mistake_names_file_line_path_and_what_is_expected(write, before, after, message):
    assert before in GOOD
    assert message in mistake(write(GOOD.replace(before, after, 1)))


def test_every_mistake_of_a_file_is_named_at_once(write):
    text = GOOD.replace("256MiB", "lots").replace("users: 3", "usrs: 3").replace("30s", "30")
    assert len(mistake(write(text)).splitlines()) == 3


def test_of_many_mistakes_the_first_are_named(write):
    lines = mistake(write(GOOD + "".join(f"key{number}: 1\n" for number in range(1000)))).splitlines()
    assert len(lines) == MOST_MISTAKES + 1
    assert lines[-1] == "cart.yaml: and 980 more mistakes"


@pytest.mark.parametrize("locustfile", ["x" * 300, '"a\\0b"'])
def test_a_path_that_no_file_can_have_is_one_that_is_not_there(write, locustfile):
    assert "load.locustfile: there is no " in mistake(write(GOOD.replace("locustfile.py", locustfile, 1)))


@pytest.mark.parametrize("text", ["", "[]", "just words", "42"])
def test_a_file_that_is_no_mapping_is_refused(write, text):
    assert "cart.yaml:1: the file:" in mistake(write(text))


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path):
    path = tmp_path / "cart.yaml"
    assert "cannot be read: No such file" in mistake(path)
    path.write_bytes(b"\xff\xfe name")
    assert "is not UTF-8 text" in mistake(path)


def test_the_schema_describes_every_key_of_a_scenario():
    schema = scenario_schema()
    assert set(schema["properties"]) == set(Scenario.model_fields)
