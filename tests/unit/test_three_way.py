"""A drill's own change is taken out of an object that others may have changed too."""

from __future__ import annotations

from typing import Any

import pytest

from leakdrill.targets.kubernetes.three_way import without_change


def deployment(*, replicas: int = 2, memory: str = "64Mi", image: str = "a", **env: str) -> dict[str, Any]:
    container = {
        "name": "web",
        "image": image,
        "resources": {"limits": {"memory": memory}},
        "env": [{"name": name, "value": value} for name, value in env.items()],
    }
    return {"replicas": replicas, "template": {"spec": {"containers": [container, {"name": "side", "image": "s"}]}}}


BEFORE = deployment(A="1")


@pytest.mark.parametrize(
    ("ours", "now", "expected"),
    [
        ([deployment(replicas=3, A="1")], deployment(replicas=3, A="1"), BEFORE),
        ([deployment(A="1", B="2")], deployment(A="1", B="2"), BEFORE),
        ([deployment(memory="1Gi", A="1")], deployment(memory="1Gi", A="1"), BEFORE),
        ([deployment(replicas=3, A="1")], BEFORE, BEFORE),
        ([deployment(replicas=3, A="1"), deployment(replicas=4, A="1")], deployment(replicas=3, A="1"), BEFORE),
        ([deployment(replicas=3, A="1")], deployment(replicas=3, A="1", image="b"), deployment(A="1", image="b")),
        ([deployment(A="1", B="2")], deployment(A="1", B="2", C="3"), deployment(A="1", C="3")),
        ([deployment(A="1", B="2")], deployment(A="9", B="2"), deployment(A="9")),
    ],
    ids=["replicas", "a variable", "a limit", "put back already", "the change before the last", "another's image",
         "another's variable", "another's value"],
)  # fmt: skip
def test_our_change_goes_and_anothers_stays(ours: list[Any], now: Any, expected: Any) -> None:
    others: list[str] = []
    assert without_change(BEFORE, ours, now, others=others) == expected
    assert others == []


@pytest.mark.parametrize(
    ("ours", "now", "sentence"),
    [
        (deployment(replicas=3, A="1"), deployment(replicas=5, A="1"), "replicas was 2, the drill set 3, and it is 5"),
        (
            deployment(memory="1Gi", A="1"),
            deployment(memory="2Gi", A="1"),
            "containers.web.resources.limits.memory was 64Mi, the drill set 1Gi, and it is 2Gi now",
        ),
        (deployment(A="2"), deployment(A="3"), "env.A.value was 1, the drill set 2, and it is 3 now"),
    ],
)
def test_what_somebody_else_changed_since_is_left_and_named(ours: Any, now: Any, sentence: str) -> None:
    others: list[str] = []
    assert without_change(BEFORE, [ours], now, others=others) == now
    (other,) = others
    assert sentence in other
