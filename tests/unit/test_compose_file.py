"""A run's own compose file: only what the target needs, labelled, and nothing that another run could meet."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from leakdrill.errors import BadInput
from leakdrill.scenario.compose import ComposeForm
from leakdrill.scenario.target import Limits, ProcessTarget
from leakdrill.targets.compose.file import needed, own_config, set_service
from leakdrill.targets.docker.engine import RUN_LABEL

CONFIG = {
    "version": "3.9",
    "services": {
        "gateway": {
            "image": "samples",
            "ports": ["8000:8000"],
            "container_name": "gateway",
            "restart": "always",
            "labels": {"team": "ml"},
            "environment": {"KEPT": "yes"},
        },
        "front": {"image": "nginx", "ports": ["80:8080"], "depends_on": {"gateway": {"condition": "service_healthy"}}},
        "other": {"build": {"context": "."}},
    },
    "volumes": {"data": {"name": "the-real-one"}, "outside": {"external": True, "name": "shared"}},
}
FORM = ComposeForm(file=Path("shop/compose.yaml"), service="gateway", entrance="front")


def own(form=FORM):
    return own_config(CONFIG, form, labels={"leakdrill.run": "run-1"}, port=4000)


def test_only_what_the_target_needs_is_in_it_and_all_of_it_carries_the_label():
    made = own()
    assert list(made["services"]) == ["gateway", "front"]
    assert {service["labels"][RUN_LABEL] for service in made["services"].values()} == {"run-1"}
    assert made["services"]["gateway"]["labels"]["team"] == "ml"
    assert made["networks"]["default"]["labels"] == {RUN_LABEL: "run-1"}
    assert made["volumes"]["data"] == {"labels": {RUN_LABEL: "run-1"}}
    assert made["volumes"]["outside"] == {"external": True, "name": "shared"}


def test_every_port_is_on_loopback_and_only_the_entrance_has_a_fixed_one():
    services = own()["services"]
    assert services["gateway"]["ports"] == ["127.0.0.1::8000"]
    assert services["front"]["ports"] == ["127.0.0.1:4000:8080"]
    alone = own(FORM.model_copy(update={"entrance": None}))["services"]
    assert alone["gateway"]["ports"] == ["127.0.0.1:4000:8000"]
    assert not {"container_name", "restart"} & set(alone["gateway"])


def test_a_build_without_a_name_gets_one_that_every_run_shares():
    form = ComposeForm(file=Path("shop/compose.yaml"), service="other")
    assert own(form)["services"]["other"]["image"] == "leakdrill-shop-other"


def test_a_service_that_is_not_there_is_bad_input():
    with pytest.raises(BadInput, match=r"service: .* has no service gatway; expected one of gateway, front, other"):
        own(FORM.model_copy(update={"service": "gatway"}))
    with pytest.raises(BadInput, match=r"entrance: .* has no service fornt"):
        own(FORM.model_copy(update={"entrance": "fornt"}))


def test_environment_and_limits_are_added_and_a_dollar_stays_one():
    made = own()
    set_service(made, "gateway", env={"TOKEN": "a$b"}, limits=Limits.model_validate({"memory": "64MiB", "cpus": 0.5}))
    gateway = made["services"]["gateway"]
    assert gateway["environment"] == {"KEPT": "yes", "TOKEN": "a$$b"}
    assert (gateway["mem_limit"], gateway["memswap_limit"], gateway["cpus"]) == (64 << 20, 64 << 20, 0.5)
    assert CONFIG["services"]["gateway"]["environment"] == {"KEPT": "yes"}


def test_what_a_service_depends_on_comes_along():
    assert needed({"a": {"depends_on": ["b"]}, "b": {"depends_on": {"c": {}}}, "c": {}, "d": {}}, ["a"]) == [
        "a",
        "b",
        "c",
    ]


def test_a_target_is_a_command_or_a_service_of_a_compose_file():
    assert ProcessTarget.model_validate({"name": "x", "compose": {"file": "f", "service": "s"}}).kind == "compose"
    with pytest.raises(
        ValidationError, match="expected a command of at least one word, compose, or the url or container of one"
    ):
        ProcessTarget.model_validate({"name": "x"})
    with pytest.raises(ValidationError, match="several replicas need an entrance"):
        ComposeForm.model_validate({"file": "f", "service": "s", "replicas": 2})
