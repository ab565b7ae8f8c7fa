"""Kubernetes: kubectl and oc, helm, and tools beside them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.programs.effect import Effect, Inner, change, destructive, look, runs, unknown
from leakdrill.runbooks.shell.programs.options import Options, split
from leakdrill.runbooks.shell.programs.simple import simple, writes
from leakdrill.runbooks.shell.programs.table import Table, entries

if TYPE_CHECKING:
    from leakdrill.runbooks.shell.programs.call import Call, Judge

KUBECTL_ROWS: Final = """
look get, describe, logs, log, explain, version, api-resources, api-versions, events, wait, diff, kustomize, options, completion | prints what the cluster holds
look top, top pod, top pods, top po, top node, top nodes, top no | prints what is used
look cluster-info, cluster-info dump, rollout status, rollout history, auth can-i, auth whoami, plugin list | prints the state of the cluster
look config view, config get-contexts, config current-context, config get-clusters, config get-users | prints the client's settings
look port-forward, proxy | hands a port on while it runs, and changes nothing in the cluster
change rollout restart | makes every pod of a workload anew
change rollout undo | takes a workload back to its revision before | `kubectl rollout undo` once more
change rollout pause | keeps a change of a workload from going on | `kubectl rollout resume`
change rollout resume | lets a change of a workload go on | `kubectl rollout pause`
change autoscale | lets a workload scale by itself | `kubectl delete hpa` of that name
change apply, create, replace, run, expose, patch, edit, set, create token | makes or changes objects | `kubectl apply` what `kubectl get -o yaml` printed before
change apply view-last-applied, apply set-last-applied, apply edit-last-applied | changes objects
change set image, set env, set resources, set selector, set serviceaccount, set subject | changes a workload, whose pods are made anew | `kubectl rollout undo`
change label | sets a label | set the label that was there before, or `LABEL-` to take it off
change annotate | sets an annotation | set the annotation that was there before, or `KEY-` to take it off
change taint, taint node, taint nodes | keeps pods off a node | the same taint with `-` behind it
change cordon | keeps new pods off a node | `kubectl uncordon` it
change uncordon | lets pods onto a node | `kubectl cordon` it
change cp | copies files into or out of a container | remove the copy, or put back what was there
change attach | joins the input of a container
change debug | adds a container to a pod, or makes a pod | `kubectl delete` the pod that it made
change certificate approve, certificate deny, auth reconcile | changes what is allowed
change config use-context, config set-context, config set, config set-cluster, config set-credentials, config use, config rename-context, config unset | changes the client's settings | set what `kubectl config view` printed before
destructive config delete-context, config delete-cluster, config delete-user | removes the client's settings
destructive delete | deletes objects
destructive drain | ends every pod on a node
"""
KUBECTL_OPTIONS: Final = Options.of(
    "-n --namespace --context --cluster --user --kubeconfig -s --server --token --as --as-group --as-uid --request-timeout -v --v "
    "--cache-dir --certificate-authority --client-certificate --client-key --tls-server-name --profile --profile-output "
    "--log-dir --vmodule -l --selector -o --output --field-selector --sort-by -c --container --since --tail",
    "--insecure-skip-tls-verify --match-server-version --warnings-as-errors -A --all-namespaces --logtostderr --no-headers -w",
)
EXEC: Final = Options.of(
    "-n --namespace --context --cluster --kubeconfig -c --container --pod-running-timeout -f --filename --as --user --token -s --server",
    "-i --stdin -t --tty -it -ti -q --quiet --insecure-skip-tls-verify",
)
TRIED: Final = frozenset({"--dry-run=client", "--dry-run=server", "--dry-run='client'"})


def scale(call: Call) -> Effect:
    """Sets the number of replicas."""
    if any(word.text == "--replicas=0" for word in call.arguments) or _follows(call, "--replicas", "0"):
        return destructive("`kubectl scale` to 0 stops every pod of a workload.")
    return change("`kubectl scale` sets the number of replicas.", "`kubectl scale` back to the number that it had")


def _follows(call: Call, option: str, value: str) -> bool:
    texts = [word.text for word in call.arguments]
    return any(pair == (option, value) for pair in itertools.pairwise(texts))


def execute(call: Call) -> Effect:
    """`kubectl exec POD -- COMMAND`; `oc rsh POD COMMAND`."""
    at = next(i for i, word in enumerate(call.words) if i and word.text in {"exec", "rsh"})
    words = call.words[at + 1 :]
    marks = [i for i, word in enumerate(words) if word.text == "--"]
    if marks:
        inner = words[marks[0] + 1 :]
        if not inner:
            return unknown(f"`{call.name} exec` names no command.")
    else:
        parts = split(words, EXEC, until_argument=True)
        more = split(parts.rest[1:], EXEC, until_argument=True)
        if parts.unknown is not None or more.unknown is not None:
            return unknown(f"`{call.name} exec` has an option here that we do not know.")
        inner = tuple(more.rest)
        if not inner:
            return unknown(f"`{call.name} {call.words[at].text}` opens a shell; what is typed there decides.")
    return runs(f"`{call.name} exec` runs a command in a container.", Inner(inner, elsewhere=True))


def debug_of_oc(call: Call) -> Effect:
    """`oc debug node/N -- chroot /host COMMAND`: a pod for as long as the command runs."""
    marks = [i for i, word in enumerate(call.words) if word.text == "--"]
    inner = call.words[marks[0] + 1 :] if marks else ()
    made = change(f"`{call.name} debug` makes a pod to run a command in.", "the pod is deleted when the command ends")
    return replace(made, inner=(Inner(inner, elsewhere=True),)) if inner else made


def replaced(call: Call) -> Effect:
    """Replaces objects; with --force it deletes them first."""
    if call.has("--force"):
        return destructive("`kubectl replace --force` deletes objects and makes them anew.")
    return change("`kubectl replace` changes objects.", "`kubectl apply` what `kubectl get -o yaml` printed before")


def applied(call: Call) -> Effect:
    """Applies objects; with --prune it deletes those that are no longer there."""
    if call.has("--prune") or any(word.text in {"--force", "--force=true"} for word in call.arguments):
        return destructive("`kubectl apply` deletes objects with this option.")
    return change(
        "`kubectl apply` makes or changes objects.",
        "`kubectl apply` what `kubectl get -o yaml` printed before, or delete what was new",
    )


def raw_get(call: Call) -> Effect:
    """`kubectl get`, of an object or of an address."""
    if call.words[0].text == "kubectl" and call.has("--raw"):
        return look("`kubectl get --raw` asks the API server by GET.")
    return look(f"`{call.name} get` prints what the cluster holds.")


def _tries(judge: Judge) -> Judge:
    def judged(call: Call) -> Effect:
        texts = [word.text for word in call.words]
        before = texts[: texts.index("--")] if "--" in texts else texts
        if TRIED & set(before) or _follows(call, "--dry-run", "client") or _follows(call, "--dry-run", "server"):
            return look(f"`{call.name}` only tries it: --dry-run.")
        return judge(call)

    return judged


SPECIAL: Final = {
    "exec": execute,
    "scale": _tries(scale),
    "replace": _tries(replaced),
    "apply": _tries(applied),
    "get": raw_get,
}
WORSE: Final = {"--output-directory": change("`kubectl` writes files.", "remove them")}
KUBECTL: Final = Table(
    "kubectl", entries("kubectl", KUBECTL_ROWS), KUBECTL_OPTIONS, dry=TRIED, worse=WORSE, special={**SPECIAL}
)
OC_ROWS: Final = """
look status, whoami, projects, sa get-token, adm top, adm top pods, adm top nodes, adm top images, adm node-logs, adm release info, get-token, registry info | prints the state of the cluster
look adm policy who-can, image info, policy can-i | prints the state of the cluster
change login, logout, project, new-project, new-app, start-build, rollback, import-image, tag, process, extract, adm inspect, adm must-gather, secrets link | changes something, or writes files
change adm cordon | keeps new pods off a node | `oc adm uncordon` it
change adm uncordon | lets pods onto a node | `oc adm cordon` it
change adm taint, adm policy add-role-to-user, adm policy add-cluster-role-to-user, adm policy add-scc-to-user, adm certificate approve, adm upgrade, rollout latest | changes the cluster
change rollout cancel, rollout retry, set volume, set probe, set triggers, set data, idle, adm groups sync, adm wait-for-stable-cluster, policy add-role-to-user | changes the cluster
destructive adm drain, adm prune, adm policy remove-role-from-user | ends or removes things
"""
OC: Final = Table(
    "oc",
    {**entries("oc", KUBECTL_ROWS), **entries("oc", OC_ROWS)},
    KUBECTL_OPTIONS,
    dry=TRIED,
    worse=WORSE,
    special={**SPECIAL, "rsh": execute, "debug": debug_of_oc},
)
HELM_ROWS: Final = """
look list, ls, status, history, hist, get, get values, get manifest, get notes, get hooks, get all, get metadata, show values, show chart, show all, show readme | prints the state of releases
look search repo, search hub, repo list, version, env, lint, template, verify, diff upgrade, diff revision, diff rollback, diff release, plugin list, dependency list, dep list, inspect values | prints the state of releases
change install | makes a release | `helm uninstall` it
change upgrade | changes a release | `helm rollback` it
change rollback | takes a release back to an older revision | `helm rollback` to the revision that it had
change repo add, repo update, repo remove, repo index, dependency update, dependency build, dep update, dep build, pull, fetch, package, push, create, plugin install, registry login | changes the client's files
change test | runs the pods of a release's tests
destructive uninstall, delete, del | removes a release
"""
HELM: Final = Table(
    "helm",
    entries("helm", HELM_ROWS),
    Options.of(
        "-n --namespace --kube-context --kubeconfig --tiller-namespace --kube-apiserver --kube-token --registry-config",
        "--debug --tls",
    ),
    dry=frozenset({"--dry-run", "--dry-run=client", "--dry-run=server"}),
    worse={
        "--output-dir": change("`helm` writes files.", "remove them"),
        "--post-renderer": change("`helm` runs a program."),
    },
)
OTHERS: Final = {
    "argocd": """
        look app list, app get, app diff, app history, app logs, app manifests, app resources, cluster list, cluster get, proj list, proj get, repo list, version, account get-user-info, account list, context | prints the state of applications
        change app sync, app set, app rollback, app create, app patch, app terminate-op, login, logout, app wait, app unset, app edit | changes applications
        destructive app delete, app delete-resource, cluster rm, proj delete, repo rm | removes things""",
    "flux": """
        look get all, get kustomizations, get helmreleases, get sources all, get sources git, get sources helm, get sources oci, get kustomization, get helmrelease, get images all, tree, get alerts, logs, check, version, stats, tree kustomization, events, trace | prints the state of the cluster
        change reconcile kustomization, reconcile source git, reconcile helmrelease, suspend kustomization, suspend helmrelease, resume kustomization, resume helmrelease, reconcile source oci, reconcile source helm, create source git, create source oci, create source helm, create kustomization, create helmrelease, create secret git, bootstrap github, install | changes the cluster
        destructive uninstall, delete kustomization, delete helmrelease, delete source git, delete source helm, delete source oci | removes things""",
    "istioctl": """
        look proxy-status, ps, proxy-config, pc, version, analyze, x describe, experimental describe, validate | prints the state of the mesh
        change install, upgrade, kube-inject, tag, dashboard | changes the mesh
        destructive uninstall | removes the mesh""",
    "linkerd": """
        look check, stat, top, edges, routes, version, viz stat, viz top, viz edges, viz check, diagnostics proxy-metrics, tap, viz tap | prints the state of the mesh""",
    "velero": """
        look backup get, backup describe, backup logs, restore get, restore describe, restore logs, schedule get, schedule describe, version, get backups, describe backups, backup-location get, get restores | prints the state of backups
        change backup create, restore create, schedule create, create backup, create restore | makes a backup or restores one
        destructive backup delete, restore delete, schedule delete, delete backup | removes backups""",
    "cmctl": "look status certificate, check api, version | prints the state of certificates",
    "cilium": "look status, version, endpoint list, bpf lb list, service list, policy get, monitor, node list | prints the state of the network",
    "calicoctl": "look get, node status, version, ipam show | prints the state of the network",
    "kubeadm": "look certs check-expiration, config view, config images list, token list, version, upgrade plan | prints the state of the cluster",
    "minikube": "look status, version, ip, logs, profile list, addons list | prints the state of the cluster",
    "kind": "look get clusters, get nodes, version | prints clusters",
    "k9s": "look version | prints its version",
    "eksctl": "look get cluster, get clusters, get nodegroup, get iamserviceaccount, version, utils describe-stacks | prints clusters",
    "virtctl": "look version, guestosinfo, fslist, userlist | prints the state of virtual machines",
    "operator-sdk": "look version | prints its version",
}  # fmt: skip


OTHERS_WORSE: Final = {
    "argocd": {
        "--refresh": change("`argocd app get --refresh` has the application compared anew."),
        "--hard-refresh": change("`argocd app get --hard-refresh` throws away what was rendered of it."),
    },
}
"""Options by which even a look does something."""


def programs() -> dict[str, Judge]:
    """Returns the judges of these programs by name."""
    options = Options.of(
        "-n --namespace --context --kubeconfig --server --auth-token -i --istioNamespace -o",
        "-A --insecure --grpc-web --plaintext",
    )
    tables = {
        name: Table(name, entries(name, rows), options, worse=OTHERS_WORSE.get(name, {}))
        for name, rows in OTHERS.items()
    }
    return {
        **tables, "kubectl": KUBECTL, "k": replace(KUBECTL, name="k"), "kubecolor": replace(KUBECTL), "oc": OC, "helm": HELM, "helm3": HELM,
        **simple("change kubectx, kubens | changes the client's context | the same with the context that it had"),
        **simple("look kubeval, kubeconform, kube-score, kube-linter | judges files", {"kubeval": writes("kubeval", "-o")}),
    }  # fmt: skip
