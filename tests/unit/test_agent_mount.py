"""What a container gets of the agent, and the numbers its processes have inside."""

import os

from leakdrill.targets.docker.agent import AgentMount, pid_inside


def test_the_code_is_readable_for_anybody_inside_and_the_folder_around_it_for_nobody_else(tmp_path):
    mount = AgentMount(tmp_path / "private")
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o700
    places = {inside["bind"]: outside for outside, inside in mount.volumes().items()}
    code = tmp_path / "private" / "agent"
    assert places == {"/.leakdrill/agent": str(code), "/.leakdrill/sockets": str(mount.sockets)}
    assert (code / "injected" / "sitecustomize.py").stat().st_mode & 0o444 == 0o444
    assert mount.sockets.stat().st_mode & 0o777 == 0o777


def test_the_agent_stands_before_the_path_that_the_image_has(tmp_path):
    env = AgentMount(tmp_path / "private").environment({"PYTHONPATH": "/opt/app", "HOME": "/"})
    assert env == {"PYTHONPATH": "/.leakdrill/agent/injected:/opt/app", "LEAKDRILL_AGENT": "/.leakdrill/sockets"}


def test_outside_of_a_container_a_process_has_the_number_it_has():
    assert pid_inside(os.getpid()) == os.getpid()
    assert pid_inside(2**22 + 1) == 2**22 + 1, "a process that is gone"
