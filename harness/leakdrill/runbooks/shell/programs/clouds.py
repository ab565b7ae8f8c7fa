"""Command lines of clouds: the verb decides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.programs.effect import Effect, Inner, change, destructive, look, runs, unknown
from leakdrill.runbooks.shell.programs.options import Options, split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leakdrill.runbooks.shell.programs.call import Call, Judge
    from leakdrill.runbooks.shell.programs.word import Word

AWS_OPTIONS: Final = Options.of(
    "--profile --region --output --query --endpoint-url --ca-bundle --cli-read-timeout --cli-connect-timeout --color",
    "--no-cli-pager --no-paginate --no-verify-ssl --debug --no-sign-request --no-cli-auto-prompt",
)
AWS_LOOKS: Final = re.compile(
    r"describe-[\w-]+|list-[\w-]+|head-(?:object|bucket)|filter-log-events|lookup-events|scan|query|batch-get-[\w-]+|search-[\w-]+|"
    r"get-(?!object$|object-torrent|job-output|login$|session-token|federation-token|shard-iterator|export|media|credentials)[\w-]+|"
    r"simulate-[\w-]+|validate-[\w-]+|check-[\w-]+|wait|help|decode-authorization-message|estimate-[\w-]+|preview-[\w-]+"
)
AWS_LOSES: Final = re.compile(
    r"(?:delete|terminate|purge|deregister|revoke|remove|reset|cancel|abort|disable|release|destroy|failover|force|stop)-[\w-]+|rm|rb|mv"
)
AWS_CHANGES: Final = re.compile(
    r"(?:create|update|put|modify|start|reboot|attach|detach|associate|disassociate|register|run|set|enable|add|apply|authorize|invoke|"
    r"send|publish|tag|untag|restore|copy|import|export|promote|resume|suspend|execute|rotate|scale|increase|decrease|assume|change|"
    r"replace|request|restart|accept|reject|complete|upload|receive|allocate|deploy|batch-write|batch-put|test|retry|tail|get)-?[\w-]*|"
    r"cp|sync|mb|presign|website"
)
CLOUD_LOOKS: Final = re.compile(
    r"list|list-[\w-]+|describe|describe-[\w-]+|show|show-[\w-]+|info|version|read|get-iam-policy|get-value|get-server-config|"
    r"get-instance-view|get-health|get-serial-port-output|print-access-token|print-identity-token|tail|lookup|get-status|get-upgrades|ls|logs"
)
CLOUD_LOSES: Final = re.compile(
    r"(?:delete|purge|remove|destroy|reset|deallocate|stop|kill|failover|abandon|evict)(?:-[\w-]+)?|rm|mv"
)
CLOUD_CHANGES: Final = re.compile(
    r"(?:create|update|set|add|start|restart|resize|scale|deploy|redeploy|apply|import|export|attach|detach|enable|disable|upgrade|"
    r"rollback|patch|put|promote|invoke|run|execute|login|cancel|move|clone|restore|rotate|approve|activate|revoke|submit|"
    r"call|upload|download|resume|suspend|use|configure|get-credentials|init|install|wait|publish|copy|sync|tag|open|close)(?:-[\w-]+)?|cp|scp"
)


def aws(call: Call) -> Effect:
    """The command line of AWS: service, then operation."""
    first = split(call.arguments, AWS_OPTIONS, until_argument=True)
    if first.unknown is not None:
        return unknown(f"`aws` has an option here that we do not know: {first.unknown.text}.")
    second = split(first.rest[1:], AWS_OPTIONS, until_argument=True)
    if second.unknown is not None or not second.rest:
        return (
            look("`aws` prints its version.")
            if call.has("--version")
            else unknown("`aws` names no operation that we can read.")
        )
    service, verb = first.rest[0], second.rest[0]
    if not service.literal or not verb.literal:
        return unknown("Which operation `aws` is to do shows only when it runs.")
    return _operation(call, service.text, verb.text)


def _operation(call: Call, service: str, verb: str) -> Effect:
    name = f"`aws {service} {verb}`"
    if (service, verb) in {
        ("s3", "ls"),
        ("logs", "tail"),
        ("configure", "list"),
        ("configure", "get"),
        ("sts", "get-caller-identity"),
    }:
        return look(f"{name} prints facts.")
    if (service, verb) == ("eks", "update-kubeconfig"):
        return change(f"{name} writes the client's settings.", "`kubectl config use-context` the context that it had")
    if (service, verb) == ("ssm", "start-session"):
        return unknown(f"{name} opens a shell; what is typed there decides.")
    if AWS_LOSES.fullmatch(verb) or (verb == "sync" and call.has("--delete")):
        return destructive(f"{name} ends or removes something.")
    if AWS_LOOKS.fullmatch(verb):
        return look(f"{name} prints facts.")
    if AWS_CHANGES.fullmatch(verb):
        return change(f"{name} changes something, or writes a file.")
    return unknown(f"Of {name} we do not know what it does.")


def gcloud(call: Call) -> Effect:
    """The command lines of Google Cloud, Azure and others: groups, then a verb."""
    words = _before_options(call.arguments)
    texts = [word.text for word in words]
    if texts[:1] == ["ssh"] or texts[:2] == ["compute", "ssh"]:
        return _remote(call)
    for word in words:
        if not word.literal:
            break
        found = _verb(call.name, word.text)
        if found is not None:
            return found
    return unknown(f"Of `{' '.join([call.name, *texts[:4]])}` we do not know what it does.")


def _verb(name: str, verb: str) -> Effect | None:
    if CLOUD_LOSES.fullmatch(verb):
        return destructive(f"`{name} … {verb}` ends or removes something.")
    if CLOUD_CHANGES.fullmatch(verb):
        return change(f"`{name} … {verb}` changes something, or writes a file.")
    if CLOUD_LOOKS.fullmatch(verb):
        return look(f"`{name} … {verb}` prints facts.")
    return None


def _before_options(words: Sequence[Word]) -> list[Word]:
    result = []
    for word in words:
        if word.is_option and "=" not in word.text and word.text not in {"-o", "--quiet", "-q"}:
            break
        if not word.is_option:
            result.append(word)
    return result


def _remote(call: Call) -> Effect:
    """`gcloud compute ssh HOST --command TEXT`."""
    for index, word in enumerate(call.arguments):
        if word.text == "--command" and index + 1 < len(call.arguments):
            return runs(
                f"`{call.name}` runs a command on a machine.",
                Inner(text=call.arguments[index + 1].text, elsewhere=True),
            )
        if word.text.startswith("--command="):
            return runs(
                f"`{call.name}` runs a command on a machine.", Inner(text=word.text.partition("=")[2], elsewhere=True)
            )
    if any(word.text == "--" for word in call.arguments):
        at = [word.text for word in call.arguments].index("--")
        inner = " ".join(word.text for word in call.arguments[at + 1 :])
        return runs(f"`{call.name}` runs a command on a machine.", Inner(text=inner, elsewhere=True))
    return unknown(f"`{call.name} ssh` opens a shell; what is typed there decides.")


def gsutil(call: Call) -> Effect:
    """Google's store of objects."""
    parts = split(call.arguments, Options.of("-o -u -h", "-m -q -D"), until_argument=True)
    verb = parts.rest[0].text if parts.rest else ""
    if verb in {"ls", "cat", "du", "stat", "version", "hash", "help"}:
        return look(f"`gsutil {verb}` prints what is stored.")
    if verb in {"rm", "rb", "mv", "rsync"}:
        return destructive(f"`gsutil {verb}` removes or writes over objects.")
    return change(f"`gsutil {verb}` changes what is stored, or writes a file.")


def programs() -> dict[str, Judge]:
    """Returns the judges of these programs by name."""
    return {
        "aws": aws, "awslocal": aws, "gcloud": gcloud, "az": gcloud, "doctl": gcloud, "ibmcloud": gcloud, "oci": gcloud, "openstack": gcloud,
        "aliyun": gcloud, "linode-cli": gcloud, "hcloud": gcloud, "flyctl": gcloud, "heroku": gcloud, "gsutil": gsutil,
    }  # fmt: skip
