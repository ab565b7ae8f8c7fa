"""Software: version control, packages, builds, infrastructure as code, web servers, and the tools of Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.programs.effect import Effect, change, destructive, look, unknown
from leakdrill.runbooks.shell.programs.options import Options
from leakdrill.runbooks.shell.programs.simple import Simple, simple
from leakdrill.runbooks.shell.programs.table import Table, entries

if TYPE_CHECKING:
    from leakdrill.runbooks.shell.programs.call import Call, Judge


def lists(call: Call) -> Effect:
    """`git branch` and `git tag` list where no name and no other option is given."""
    at = next(i for i, word in enumerate(call.words) if i and word.text in {"branch", "tag"})
    words = [word.text for word in call.words[at + 1 :]]
    shows = frozenset("-r -v -vv -l --list --all --show-current --remotes -n --merged --no-merged --column".split())
    if call.words[at].text == "branch":
        shows |= {"-a"}
    listing = bool({"-l", "--list"} & set(words))
    if all(word in shows or word.startswith("--sort=") or (listing and not word.startswith("-")) for word in words):
        return look("`git` lists branches or tags.")
    if {"-d", "-D", "--delete", "-f", "--force", "-M"} & set(words):
        return destructive(
            f"`git {call.words[at].text}` removes or moves a name that may be the last one of its commits."
        )
    return change(f"`git {call.words[at].text}` changes the repository.")


def checks_out(call: Call) -> Effect:
    """Goes to another commit, or writes files as they were, over what was changed in them since."""
    words = _after(call, "checkout")
    named = [word for word in words if not word.startswith("-")]
    made = {"-b", "-B", "--orphan", "-t", "--track"} & set(words)
    forced = {"--", "-f", "--force", "-p", "--patch", "--ours", "--theirs", "."} & set(words)
    if forced or (len(named) > 1 and not made):
        return destructive("`git checkout` writes over changes that were not committed.")
    return change("`git checkout` changes the repository.")


def restores(call: Call) -> Effect:
    """Writes files as they were, over what was changed in them since; or takes them out of the next commit."""
    words = set(_after(call, "restore"))
    if {"--staged", "-S"} & words and not {"--worktree", "-W"} & words:
        return change("`git restore` takes files out of the next commit.", "add them again")
    return destructive("`git restore` writes over changes that were not committed.")


def _after(call: Call, verb: str) -> list[str]:
    """The words behind a verb of git."""
    at = next(i for i, word in enumerate(call.words) if i and word.text == verb)
    return [word.text for word in call.words[at + 1 :]]


GIT: Final = Table(
    "git",
    entries(
        "git",
        """
        look status, log, diff, show, blame, rev-parse, ls-files, ls-tree, ls-remote, describe, shortlog, cat-file, grep, rev-list, reflog show, stash list, stash show, remote -v, remote show, remote get-url, worktree list, count-objects, fsck, merge-base, name-rev, whatchanged, cherry, for-each-ref, show-ref, diff-tree, submodule status, bisect log, config --get, config --list, config -l, config get, config list, version, help, check-ignore, var | prints what the repository holds
        change add, commit, push, pull, fetch, clone, checkout, switch, merge, rebase, cherry-pick, revert, tag, branch, stash, stash push, stash pop, stash apply, init, remote, remote add, remote set-url, submodule, submodule update, worktree, worktree add, config, mv, apply, am, restore, reflog, bisect, lfs, notes, format-patch, archive, bundle | changes the repository
        destructive reset, clean, gc, prune, filter-branch, rm, stash drop, stash clear, reflog expire, worktree remove, update-ref, remote remove, filter-repo | may lose what the repository holds
        """,
    ),
    Options.of(
        "-C -c --git-dir --work-tree --namespace",
        "--no-pager -P -p --paginate --bare --no-replace-objects --get --list -l",
    ),
    special={"branch": lists, "tag": lists, "checkout": checks_out, "restore": restores},
    worse={
        "--output": change("`git` writes a file."),
        "-c": unknown("`git -c` sets what git runs."),
        "--ext-diff": unknown("`git` runs a program."),
        "--lost-found": change("`git fsck` writes what it finds.", "remove .git/lost-found"),
        "-O": unknown("`git grep -O` opens what it finds in another program."),
        "--open-files-in-pager": unknown("`git grep` opens what it finds in another program."),
    },
)
PIP: Final = Table(
    "pip",
    entries(
        "pip",
        """
        look list, show, freeze, check, search, config list, config get, cache info, cache dir, cache list, debug, help, index versions, inspect, hash | prints what is installed
        change install, download, wheel, config set, lock, config unset, config edit | installs packages, or writes files | `pip uninstall`, or install the version that was there
        destructive uninstall, cache purge, cache remove | removes packages
        """,
    ),
    Options.of(
        "--python --log --proxy --timeout --cert --cache-dir",
        "-q -v --isolated --no-input --disable-pip-version-check --version -V",
    ),
)
TABLES: Final = {
    "npm": """
        look list, ls, view, info, show, outdated, config get, config list, root, bin, prefix, search, explain, why, ping, whoami, doctor, help, fund, docs, query | prints what is installed
        change install, i, ci, update, audit, config set, publish, link, init, version, pack, dedupe, login, rebuild, prune, add | changes what is installed
        destructive uninstall, remove, rm, un, cache clean, unpublish | removes packages""",
    "yarn": "look list, info, why, outdated, versions | prints what is installed",
    "apt": """
        look list, show, search, policy, depends, rdepends, showsrc, changelog | prints packages
        change update, install, upgrade, full-upgrade, dist-upgrade, reinstall, edit-sources, build-dep, download, satisfy | installs packages
        destructive remove, purge, autoremove, autopurge, clean, autoclean | removes packages""",
    "apt-get": """
        look changelog, check, indextargets | prints packages
        change update, install, upgrade, dist-upgrade, build-dep, download, source, reinstall | installs packages
        destructive remove, purge, autoremove, clean, autoclean | removes packages""",
    "yum": """
        look list, info, search, repolist, history list, history info, check-update, provides, whatprovides, deplist, updateinfo, repoquery, grouplist, list-security | prints packages
        change install, update, upgrade, makecache, reinstall, localinstall, groupinstall, downgrade, module, history undo, swap, config-manager, versionlock | installs packages
        destructive remove, erase, autoremove, clean | removes packages""",
    "apk": "look info, list, search, policy, version, stats | prints packages",
    "brew": """
        look list, info, search, services list, outdated, deps, config, doctor, home, leaves | prints packages
        change install, update, upgrade, reinstall, tap, link, services start, services restart, services stop, pin, services | installs or starts packages
        destructive uninstall, remove, rm, cleanup, autoremove, unlink, untap | removes packages""",
    "go": """
        look version, env, list, doc, mod why, mod graph, mod verify, vet | prints facts
        change build, test, get, install, run, mod tidy, mod download, mod vendor, mod init, generate, fmt, clean, work | builds, tests or installs""",
    "gem": """
        look list, search, environment, env, info, outdated, which | prints packages
        change install, update, build, push | installs packages
        destructive uninstall, cleanup | removes packages""",
    "snap": "look list, info, find, services, changes, connections, version | prints packages",
    "conda": "look list, info, env list, search | prints packages",
    "terraform": """
        look plan, show, output, validate, version, state list, state show, providers, workspace list, workspace show, graph, metadata functions | prints what would be changed
        change apply, init, import, refresh, taint, untaint, fmt, workspace new, workspace select, state pull, get, login, test | changes what is built
        destructive destroy, state rm, state mv, state push, force-unlock, workspace delete, state replace-provider | may lose what is built""",
    "promtool": """
        look check config, check rules, check metrics, check web-config, check service-discovery, check healthy, check ready, query instant, query range, query series, query labels, query analyze, test rules, tsdb analyze, tsdb list, promql format, promql label-matchers list | judges or asks
        change debug pprof, debug metrics, debug all, tsdb create-blocks-from, push metrics, tsdb bench write | writes files, or sends data""",
    "amtool": """
        look alert, alert query, silence, silence query, config, config show, config routes, config routes show, config routes test, check-config, cluster show, version, template render | prints the state of Alertmanager
        change silence add, silence import, alert add | adds something | `amtool silence expire` it
        change silence expire, silence update | ends or changes a silence | add it again""",
    "thanos": "look tools bucket ls, tools bucket inspect, tools rules-check | prints what is stored",
    "mimirtool": "look rules list, rules print, rules get, rules diff, alertmanager get, alertmanager verify, analyze prometheus, rules check | prints what is configured",
    "gh": """
        look pr list, pr view, pr status, pr diff, pr checks, issue list, issue view, issue status, run list, run view, run watch, repo view, repo list, release list, release view, workflow list, workflow view, auth status, search, status | prints what is there
        change pr create, pr merge, pr checkout, pr close, pr comment, issue create, issue close, run rerun, workflow run, release create, repo clone, pr edit, run cancel | changes something
        destructive repo delete, release delete, run delete | removes something""",
    "cargo": "look tree, metadata, search, version | prints facts",
    "puppet": "look config print, facts, module list | prints facts",
    "salt-call": "look test.ping, grains.items, grains.get | prints facts",
    "pm2": """
        look list, ls, status, logs, show, describe, monit, jlist, prettylist, info | prints the state of programs
        change restart, reload, start, stop, scale, save, startup, set | starts, stops or changes programs
        destructive delete, kill, flush | ends programs, or throws their logs away""",
    "postqueue": "look -p, -j | prints the queue of mail",
    "varnishadm": """
        look status, backend.list, vcl.list, param.show, ban.list, ping, panic.show, storage.list | prints the state of the cache
        change vcl.use, vcl.load, param.set, backend.set_health, start, stop | changes the cache
        destructive ban, vcl.discard, panic.clear | throws away what is cached""",
}  # fmt: skip
VALUES: Final = (
    "--prefix -C --registry -c -o --option -t --target-release --enablerepo --disablerepo -chdir --alertmanager.url --config.file "
    "--output --timeout --author --repo -R --address --tenant-id --id --user --key -S -T -n --http.config.file"
)
FLAGS: Final = "-q -y --yes --quiet -g --global -v --verbose -qq --assume-yes --no-color -no-color --version.matcher --json -s --silent --extended -e"


def make(call: Call) -> Effect:
    """Makes what a file says that is not here."""
    if call.has("-n", "--dry-run", "--just-print", "--recon"):
        return look("`make -n` only says what it would do.")
    return unknown(f"What `{call.name}` does is written in its own file, not here.")


def nginx(call: Call) -> Effect:
    """Tests the settings, or starts and stops the server."""
    texts = [word.text for word in call.arguments]
    if (texts and set(texts) <= {"-t", "-T", "-v", "-V", "-q", "-tq"}) or (
        texts[:1] in (["-t"], ["-T"]) and texts[1:2] in (["-c"], ["-p"])
    ):
        return look("`nginx -t` only tests the settings.")
    if texts in (["-s", "reload"], ["-s", "reopen"]):
        return change(f"`nginx -s {texts[1]}` makes the server read its settings or open its logs again.")
    return change("`nginx` starts or stops the server.")


def apache(call: Call) -> Effect:
    """Tests the settings, or starts and stops the server."""
    if call.arguments and call.arguments[0].text in {
        "configtest",
        "-t",
        "-S",
        "-M",
        "-v",
        "-V",
        "-l",
        "status",
        "fullstatus",
    }:
        return look(f"`{call.name}` only tests the settings, or prints the state.")
    return change(f"`{call.name}` starts, stops or changes the server.")


def haproxy(call: Call) -> Effect:
    """Tests the settings, or starts the server."""
    if call.has("-c", "-v") or any(word.text == "-vv" for word in call.arguments):
        return look("`haproxy -c` only tests the settings.")
    return change("`haproxy` starts the server.")


def ansible(call: Call) -> Effect:
    """Runs a module on machines."""
    texts = [word.text for word in call.arguments]
    module = next((texts[i + 1] for i, text in enumerate(texts[:-1]) if text in {"-m", "--module-name"}), "command")
    if module in {"ping", "setup", "debug", "stat", "service_facts", "package_facts"} or call.has("--list-hosts"):
        return look(f"`ansible -m {module}` asks machines.")
    return unknown(f"What `ansible -m {module}` does depends on its arguments.")


def ansible_playbook(call: Call) -> Effect:
    """Runs a playbook."""
    if call.has("--check", "--syntax-check", "--list-hosts", "--list-tasks", "--list-tags", "-C"):
        return look("`ansible-playbook` only says what it would do.")
    return change("`ansible-playbook` does what a playbook says, on every machine that it names.")


def dpkg(call: Call) -> Effect:
    """Prints, installs or removes packages."""
    first = call.arguments[0].text if call.arguments else ""
    if first in {
        "-l",
        "--list",
        "-L",
        "--listfiles",
        "-s",
        "--status",
        "-S",
        "--search",
        "-p",
        "--print-architecture",
        "-V",
        "--verify",
        "-C",
        "--audit",
        "--get-selections",
        "-c",
        "-I",
    }:
        return look(f"`dpkg {first}` prints packages.")
    if first in {"-r", "-P", "--remove", "--purge"}:
        return destructive("`dpkg` removes packages.")
    return change("`dpkg` installs or sets up packages.")


def rpm(call: Call) -> Effect:
    """Prints, installs or removes packages."""
    first = call.arguments[0].text if call.arguments else ""
    if first.startswith(("-q", "-V", "--query", "--verify", "-K", "--checksig")):
        return look(f"`rpm {first}` prints packages.")
    if first.startswith(("-e", "--erase")):
        return destructive("`rpm` removes packages.")
    return change("`rpm` installs packages.")


ROWS: Final = """
change mvn, gradle, tox, pytest, bundle, composer, poetry, uv, pipenv, virtualenv, cmake, gcc, clang, cc, javac | builds, tests or installs, and runs what a project says
change docker-machine, vagrant, packer, certbot, kops, salt, chef-client, helmfile, skaffold, tilt, garden | does what a file says
change screen, tmux, byobu, script, expect | opens a shell, or runs what is typed
change logger, wall, write, mail, mailx, sendmail, mutt, notify-send | sends a message
change locust, k6, ab, wrk, hey, siege, vegeta, jmeter, stress, stress-ng, fio, iperf, iperf3, ycsb, h2load, oha, bombardier | puts load on something
look shellcheck, hadolint, yamllint, pylint, flake8, mypy, tflint, checkov, trivy, grype, syft, actionlint, jsonlint | judges files
"""


def kustomize(call: Call) -> Effect:
    """Prints objects made of files."""
    if call.arguments and call.arguments[0].text in {"build", "version", "cfg"} and not call.has("-o", "--output"):
        return look("`kustomize build` prints objects.")
    return change("`kustomize` writes files.")


def programs() -> dict[str, Judge]:
    """Returns the judges of these programs by name."""
    options = Options.of(VALUES, FLAGS)
    plans = {"-out": change("`terraform plan -out` writes a file.", "remove that file")}
    tables: dict[str, Judge] = {
        name: Table(name, entries(name, rows), options, worse=plans if name == "terraform" else {})
        for name, rows in TABLES.items()
    }
    nothing = Simple(look("It judges files."))
    return {
        **simple(ROWS), **tables, "git": GIT, "pip": PIP, "pip3": PIP, "dnf": tables["yum"], "microdnf": tables["yum"], "tofu": tables["terraform"],
        "terragrunt": tables["terraform"], "make": make, "gmake": make, "just": make, "task": make, "rake": make, "nginx": nginx,
        "openresty": nginx, "apachectl": apache, "apache2ctl": apache, "httpd": apache, "apache2": apache, "haproxy": haproxy,
        "ansible": ansible, "ansible-playbook": ansible_playbook, "dpkg": dpkg, "rpm": rpm, "kustomize": kustomize, "ansible-lint": nothing,
    }  # fmt: skip
