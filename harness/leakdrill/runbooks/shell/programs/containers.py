"""Container engines: Docker, Compose, Podman, containerd, CRI-O."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.programs.effect import Effect, Inner, change, destructive, look, runs, unknown
from leakdrill.runbooks.shell.programs.options import Options, split
from leakdrill.runbooks.shell.programs.table import Table, entries

if TYPE_CHECKING:
    from leakdrill.runbooks.shell.programs.call import Call, Judge
    from leakdrill.runbooks.shell.programs.word import Word

DOCKER_ROWS: Final = """
look ps, logs, inspect, stats, top, images, version, info, events, diff, port, history, search, wait | prints the state of the engine
look container ls, container list, container ps, container logs, container inspect, container stats, container top, container diff, container port | prints the state of containers
look image ls, image list, image inspect, image history, network ls, network list, network inspect, volume ls, volume list, volume inspect | prints the state of the engine
look system df, system info, system events, context ls, context show, context inspect, buildx ls, buildx du, buildx inspect, buildx version | prints the state of the engine
look service ls, service ps, service logs, service inspect, node ls, node ps, node inspect, stack ls, stack ps, stack services | prints the state of a swarm
look config ls, config inspect, secret ls, secret inspect, plugin ls, plugin inspect, manifest inspect, checkpoint ls, scout cves | prints the state of the engine
change restart, container restart | restarts a container, which drops what it holds in memory
change start, container start | starts a container | `docker stop` it
change stop, container stop | stops a container | `docker start` it
change pause, container pause | freezes a container | `docker unpause` it
change unpause, container unpause | lets a container go on | `docker pause` it
change update, container update | sets the limits of a container | `docker update` with the limits that `docker inspect` printed before
change rename, container rename | renames a container | `docker rename` it back
change tag, image tag, pull, image pull, push, image push, build, image build, buildx build, load, import, image load, image import | makes or moves images | `docker rmi` the image
change create, container create | makes a container | `docker rm` it
change run, container run | starts a new container | `docker rm -f` it
change cp, container cp | copies files into or out of a container | remove the copy, or put back what was there
change commit, container commit, save, image save, export, container export, checkpoint create | writes an image or a file | remove it
change login, logout, context use, context create, trust sign, buildx create, buildx use | changes whom or what the client talks to
change attach, container attach | joins the input of a container
change network create, volume create, network connect, service create, stack deploy, config create, secret create, swarm init, swarm join | makes something | remove it
change network disconnect | takes a container off a network | `docker network connect`
change service scale | sets how many copies of a service run | `docker service scale` back to the number before
change service update, service rollback, node update, node promote, node demote, plugin enable, plugin disable, plugin install, swarm update | changes a service
destructive rm, container rm, rmi, image rm, kill, container kill | ends or removes a container or an image
destructive system prune, container prune, image prune, volume prune, network prune, builder prune, buildx prune | removes everything that nothing uses just now
destructive volume rm, network rm, service rm, stack rm, node rm, config rm, secret rm, swarm leave, context rm, plugin rm, buildx rm | removes things
"""
DOCKER_OPTIONS: Final = Options.of(
    "-c --context -H --host -l --log-level --config --tlscacert --tlscert --tlskey", "-D --debug --tls --tlsverify"
)
COMPOSE_ROWS: Final = """
look ps, logs, top, config, images, port, events, version, ls, stats, volumes | prints the state of a project
change restart | restarts services, which drops what they hold in memory
change start | starts services | `docker compose stop` them
change stop | stops services | `docker compose start` them
change up | makes and starts services | `docker compose down`
change pause | freezes services | `docker compose unpause` them
change unpause | lets services go on | `docker compose pause` them
change scale | sets how many containers a service has | `docker compose scale` back to the number before
change build, pull, push, create, run, cp, watch, attach, commit, export, publish | makes, starts or moves something
destructive down | removes the containers of a project
destructive rm, kill | ends or removes the containers of a service
"""
COMPOSE_OPTIONS: Final = Options.of(
    "-f --file -p --project-name --profile --env-file --project-directory --ansi --parallel --progress -H --host -c --context",
    "--verbose --compatibility --no-ansi --all-resources -D",
)
EXEC: Final = Options.of(
    "-u --user -w --workdir -e --env --env-file --detach-keys --index -n",
    "-i --interactive -t --tty -it -ti -d --detach --privileged -T --no-TTY -s -r",
)


def executed(name: str, words: tuple[Word, ...], options: Options = EXEC) -> Effect:
    """Says what `exec` does: it runs a command in the container that its first argument names."""
    parts = split(words, options, until_argument=True)
    if parts.unknown is not None:
        return unknown(f"`{name} exec` has an option here that we do not know: {parts.unknown.text}.")
    rest = parts.rest[1:]
    if rest and rest[0].text == "--":
        rest = rest[1:]
    if not rest:
        return unknown(f"`{name} exec` names no command.")
    return runs(f"`{name} exec` runs a command in a container.", Inner(tuple(rest), elsewhere=True))


def after(call: Call, *path: str) -> tuple[Word, ...]:
    """Returns the words behind a subcommand."""
    texts = [word.text for word in call.words]
    at = 0
    for name in path:
        at = texts.index(name, at + 1)
    return call.words[at + 1 :]


def docker_exec(call: Call) -> Effect:
    """`docker exec CONTAINER COMMAND`."""
    return executed(call.name, after(call, "exec"))


def docker_kill(call: Call) -> Effect:
    """Ends a container, or sends it a signal that does not."""
    words = [word.text for word in call.words]
    named = [words[i + 1] for i, text in enumerate(words[:-1]) if text in {"-s", "--signal"}]
    named += [text.partition("=")[2] for text in words if text.startswith("--signal=")]
    if named and named[0].upper().removeprefix("SIG") in {"HUP", "USR1", "USR2", "WINCH", "CONT", "1", "10", "12"}:
        return change(
            f"`{call.name} kill` sends {named[0]} to a container; what that does is the program's own choice."
        )
    return destructive(f"`{call.name} kill` ends a container at once.")


def compose_of_docker(call: Call) -> Effect:
    """`docker compose …`."""
    return COMPOSE(call.with_words((replace(call.words[0], text="docker compose"), *after(call, "compose"))))


def compose_up(call: Call) -> Effect:
    """Starts services; `--scale` and new volumes do more."""
    if call.has("--renew-anon-volumes", "-V", "--remove-orphans"):
        return destructive("`docker compose up` removes containers or volumes with this option.")
    return change(
        "`docker compose up` makes and starts services, and makes changed ones anew.", "`docker compose down`"
    )


def compose_config(call: Call) -> Effect:
    """Prints the project; `-o` writes it."""
    if any(
        word.text.startswith(("-o", "--output", "--lock"))
        for word in after(call, call.arguments[-1].text) or call.arguments
    ):
        return change("`docker compose config -o` writes a file.", "remove that file")
    return look("`docker compose config` prints the project.")


COMPOSE: Final = Table(
    "docker compose",
    entries("docker compose", COMPOSE_ROWS),
    COMPOSE_OPTIONS,
    dry=frozenset({"--dry-run"}),
    special={"exec": docker_exec, "up": compose_up, "kill": docker_kill, "config": compose_config},
)
DOCKER: Final = Table(
    "docker",
    entries("docker", DOCKER_ROWS),
    DOCKER_OPTIONS,
    worse={"--bootstrap": change("`docker buildx` starts a builder with --bootstrap.", "`docker buildx stop` it")},
    special={"exec": docker_exec, "container exec": docker_exec, "compose": compose_of_docker, "kill": docker_kill},
)
PODMAN: Final = Table(
    "podman",
    {
        **entries("podman", DOCKER_ROWS),
        **entries(
            "podman",
            "look pod ps, pod ls, pod inspect, pod logs, pod stats, pod top, healthcheck run, mount | prints the state of the engine",
        ),
    },
    Options.of("--log-level --url --connection --root --runroot", "--remote -r"),
    special={"exec": docker_exec, "container exec": docker_exec},
)
CRICTL: Final = Table(
    "crictl",
    entries(
        "crictl",
        """
        look ps, pods, images, image, inspect, inspecti, inspectp, logs, stats, statsp, info, version, imagefsinfo, config, events | prints the state of the runtime
        change start, create, run, runp, pull, update, checkpoint, attach, port-forward | makes or starts something
        change stop, stopp | stops a container, which the kubelet starts again
        destructive rm, rmp, rmi | removes containers or images
        """,
    ),
    Options.of("-r --runtime-endpoint -i --image-endpoint -c --config -t --timeout", "-D --debug"),
    special={"exec": lambda call: executed("crictl", after(call, "exec"))},
)
CTR: Final = Table(
    "ctr",
    entries(
        "ctr",
        """
        look containers ls, containers list, containers info, c ls, c info, images ls, images list, i ls, tasks ls, task ls, t ls, namespaces ls, ns ls | prints the state of the runtime
        look tasks metrics, task metrics, tasks ps, task ps, snapshots ls, version, plugins ls, content ls, leases ls | prints the state of the runtime
        destructive containers rm, c rm, images rm, i rm, tasks kill, task kill, t kill, tasks rm, task rm, snapshots rm | removes things
        """,
    ),
    Options.of("-n --namespace -a --address", "--debug"),
)


def without_options(call: Call) -> Effect:
    """Prints the state of Docker's client."""
    return look(f"`{call.name}` prints images or containers.")


def programs() -> dict[str, Judge]:
    """Returns the judges of these programs by name."""
    return {
        "docker": DOCKER, "docker-compose": replace(COMPOSE), "podman": PODMAN, "podman-compose": replace(COMPOSE),
        "nerdctl": DOCKER, "crictl": CRICTL, "ctr": CTR, "k3s-crictl": CRICTL, "ctop": without_options, "dive": without_options,
    }  # fmt: skip
