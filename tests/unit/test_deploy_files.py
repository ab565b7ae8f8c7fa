"""The manifests in `deploy/` agree with each other, with the image and with the code that runs in their pods."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from leakdrill.reports.termination_message import VARIABLE
from leakdrill.scenario.reader import read_scenario
from leakdrill.targets.kubernetes.undo import GONE_TIMEOUT_S

ROOT = Path(__file__).parents[2]
SETTINGS, JOB = yaml.safe_load_all((ROOT / "deploy" / "leakdrill-job.yaml").read_text())
RECORD = yaml.safe_load((ROOT / "deploy" / "leakdrill-record.yaml").read_text())
RIGHTS = list(yaml.safe_load_all((ROOT / "deploy" / "leakdrill-rbac.yaml").read_text()))
PODS = {"job": JOB["spec"]["template"]["spec"], "record": RECORD["spec"]}
(CONTAINER,) = PODS["job"]["containers"]
IN_THE_IMAGE = "/opt/app"


def test_the_scenario_that_comes_along_can_be_read(tmp_path):
    file = tmp_path / "drill.yaml"
    file.write_text(SETTINGS["data"]["drill.yaml"].replace(IN_THE_IMAGE, str(ROOT)))
    scenario = read_scenario(file)
    assert scenario.alerts.expect
    assert scenario.phases.warmup >= 20, "the kubelet's first figures are of before the service had started"


def test_the_job_runs_the_mounted_scenario_as_the_account_of_the_rights():
    accounts = [(m["metadata"]["namespace"], m["metadata"]["name"]) for m in RIGHTS if m["kind"] == "ServiceAccount"]
    assert (JOB["metadata"]["namespace"], PODS["job"]["serviceAccountName"]) in accounts
    mounts = {mount["name"]: mount["mountPath"] for mount in CONTAINER["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in PODS["job"]["volumes"]}
    assert volumes["drills"]["configMap"]["name"] == SETTINGS["metadata"]["name"]
    assert f"{mounts['drills']}/drill.yaml" in CONTAINER["args"]
    assert CONTAINER["args"][CONTAINER["args"].index("--runs") + 1] == mounts["runs"]
    assert VARIABLE in {variable["name"] for variable in CONTAINER["env"]}


@pytest.mark.parametrize("pod", PODS.values(), ids=list(PODS))
def test_a_pod_of_ours_is_no_more_than_an_ordinary_user(pod):
    assert pod["securityContext"]["runAsNonRoot"] is True
    for container in pod["containers"]:
        assert container["resources"]["limits"]["memory"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_a_job_that_is_ended_has_time_to_take_its_namespace_back():
    assert PODS["job"]["terminationGracePeriodSeconds"] >= GONE_TIMEOUT_S + 30
    assert JOB["spec"]["backoffLimit"] == 0
