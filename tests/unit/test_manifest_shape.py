"""Parts of a manifest that a drill reads: what they are not is told with file and line, before anything starts."""

from __future__ import annotations

import pytest
import yaml

from leakdrill.errors import BadInput
from leakdrill.targets.kubernetes.manifests import read_manifests, workload_of

SET = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {"name": "queue"},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "queue"}},
        "updateStrategy": {"rollingUpdate": {"partition": 1}},
        "template": {"metadata": {"labels": {"app": "queue"}}, "spec": {"containers": [{"name": "queue"}]}},
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {}}],
    },
}


def changed(loc, value):
    tree = yaml.safe_load(yaml.safe_dump(SET))
    owner = tree
    for key in loc[:-1]:
        owner = owner[key]
    owner[loc[-1]] = value
    return yaml.safe_dump(tree)


def test_a_manifest_as_people_write_it_fits(tmp_path):
    path = tmp_path / "queue.yaml"
    path.write_text(yaml.safe_dump(SET))
    assert workload_of(read_manifests([path]), None).kind.name == "StatefulSet"


@pytest.mark.parametrize(
    ("loc", "value", "message"),
    [
        (("spec", "replicas"), "three", 'spec.replicas: found "three"; expected a whole number'),
        (("spec", "replicas"), -1, 'spec.replicas: found "-1"; expected a whole number'),
        (("spec", "replicas"), True, 'spec.replicas: found "True"; expected a whole number'),
        (("spec", "updateStrategy"), "OnDelete", 'spec.updateStrategy: found "OnDelete"; expected a mapping'),
        (
            ("spec", "updateStrategy", "rollingUpdate", "partition"),
            [1],
            "spec.updateStrategy.rollingUpdate.partition",
        ),
        (("spec", "selector"), None, 'spec.selector: found "None"; expected a mapping'),
        (("spec", "volumeClaimTemplates"), [{"spec": {}}], "spec.volumeClaimTemplates[0].metadata: found "),
        (("spec", "volumeClaimTemplates"), {"a": 1}, "spec.volumeClaimTemplates: found "),
        (("spec", "template", "metadata"), "a", 'spec.template.metadata: found "a"; expected a mapping'),
        (("spec", "template", "spec", "containers", 0, "resources"), 5, "spec.template.spec.containers[0].resources: "),
        (
            ("spec", "template", "spec", "containers", 0, "env"),
            {"A": "b"},
            "spec.template.spec.containers[0].env: ",
        ),
    ],
)
def test_what_does_not_fit_is_named_with_file_and_line(tmp_path, loc, value, message):
    path = tmp_path / "queue.yaml"
    path.write_text(changed(loc, value))
    with pytest.raises(BadInput) as raised:
        workload_of(read_manifests([path]), None)
    assert raised.value.message.startswith(f"{path}:1: StatefulSet/queue: {message}")
