"""Programs that talk to servers: curl, wget, HTTPie, netcat, openssl, tcpdump."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.programs.effect import Effect, change, destructive, look, unknown
from leakdrill.runbooks.shell.programs.options import Options, Split, split

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leakdrill.runbooks.shell.programs.call import Call, Judge

CURL: Final = Options.of(
    "-X --request -d --data --data-raw --data-binary --data-urlencode --data-ascii -F --form --form-string -T --upload-file --json -o "
    "--output -H --header -u --user -m --max-time --connect-timeout -w --write-out -A --user-agent -e --referer -b --cookie -c "
    "--cookie-jar -D --dump-header -E --cert --key --cacert --capath --cert-type --key-type -x --proxy --retry --retry-delay "
    "--retry-max-time --resolve --connect-to --unix-socket --url -r --range -U --proxy-user --interface --dns-servers -y -Y "
    "--limit-rate --max-redirs --ciphers --tls-max --trace --trace-ascii --stderr -z --time-cond --netrc-file --oauth2-bearer "
    "--aws-sigv4 --noproxy --pass --max-filesize -K --config -Q --quote --output-dir --url-query --proto --local-port -C --continue-at",
    "-s --silent -S --show-error -f --fail --fail-with-body -L --location -k --insecure -v --verbose -i --include -I --head -G --get "
    "-g --globoff --compressed -N --no-buffer -4 --ipv4 -6 --ipv6 -0 --http1.0 --http1.1 --http2 --http2-prior-knowledge --http3 -# "
    "--progress-bar -O --remote-name -J --remote-header-name -R --remote-time -n --netrc --negotiate --ntlm --basic --digest --anyauth "
    "--retry-connrefused --retry-all-errors --no-progress-meter --location-trusted --tlsv1 --tlsv1.2 --tlsv1.3 -1 -2 -3 -a --append "
    "--create-dirs --path-as-is --raw --no-keepalive --tcp-nodelay --cert-status --ssl-reqd --no-alpn -q --disable -Z --parallel -V "
    "--version --remove-on-error --no-clobber --styled-output --haproxy-protocol",
)
SENDS: Final = frozenset(
    "-d --data --data-raw --data-binary --data-urlencode --data-ascii -F --form --form-string -T --upload-file --json".split()
)
WRITES: Final = frozenset("-o --output -c --cookie-jar -D --dump-header --trace --trace-ascii --stderr".split())
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
NOWHERE: Final = frozenset({"/dev/null", "-", "/dev/stdout", "/dev/stderr", "NUL"})
ACTS: Final = re.compile(
    r"/(?:-/)?(?:reload|quit|quitquitquit|abort|abortabortabort|shutdown|restart|stop|start|kill|delete\w*|remove|reset\w*|flush\w*|"
    r"purge|drain\w*|clear\w*|evict|enable|disable|trigger|rollback|scale|failover|promote|unseal|seal|run|exec\w*|gc|collect|suspend|"
    r"resume|pause|crash|oom|leak|fail|set(?:[_-]\w+)?|add|create|update|build|deploy|cancel|retry|invalidate|rotate|reindex|snapshot|"
    r"compact\w*|runtime_modify|trim|dump|_refresh|_flush|_forcemerge|_clear|_close|_open)(?=[/?#&]|$)|[?&](?:gc|debug_?gc|action|cmd|command|operation|do|enable|reset|clear)=|"
    r"[?&]q=[^&]*\b(?:drop|delete|alter|create|grant|revoke|kill|into)\b",
    re.IGNORECASE,
)
"""Parts of an address by which even a GET may do something; Solr, Jenkins, InfluxDB and Go's pprof have some."""
URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


BARE: Final = re.compile(r"(?://)?(?:[^/@\s]*@)?((?:[\w-]+\.)*[\w-]+(?::\d{1,5})?)(?:[/?#].*)?")
"""An address without its scheme, which these programs take for one of HTTP."""


def bare_hosts(addresses: Iterable[str]) -> tuple[str, ...]:
    """Returns the hosts of the addresses that have no scheme; `:8080/x` is one of this machine."""
    found = [BARE.fullmatch(f"localhost{one}" if one.startswith(":") else one) for one in addresses]
    return tuple(match[1] for match in found if match)


def curl(call: Call) -> Effect:
    """Asks a server; the method, the data and the options decide."""
    parts = split(call.arguments, CURL)
    addresses = [word for name, word in parts.options if name == "--url" and word] + parts.rest
    return replace(_curl(parts), hosts=bare_hosts(word.text for word in addresses if word.literal))


def _curl(parts: Split) -> Effect:
    if parts.unknown is not None:
        return unknown(f"`curl` has an option here that we do not know: {parts.unknown.text}.")
    names = parts.names()
    if names & {"-K", "--config", "-Q", "--quote", "-a", "--append"}:
        return unknown("`curl` takes its options from a file, or sends commands.")
    sent = _sent(parts, names)
    if sent is not None:
        return sent
    if names & {"-O", "--remote-name", "--output-dir", "-J", "--remote-header-name"} or _written(parts):
        return change("`curl` writes what it gets to a file.", "remove that file, or put back what it held before")
    return _asked(
        [word.text for word in parts.rest] + [w.text for name, w in parts.options if name == "--url" and w], "curl"
    )


def _sent(parts: Split, names: set[str]) -> Effect | None:
    method = parts.value("-X", "--request")
    words = [word for name, word in parts.options if name in {"-X", "--request"}]
    if any(word is None or not word.literal for word in words):
        return unknown("Which method `curl` uses is not written here.")
    methods = {word.text.upper() for word in words if word is not None}
    if "DELETE" in methods or "PURGE" in methods:
        return destructive(f"`curl -X {method}` has the server delete something.")
    if methods - SAFE_METHODS:
        return change(f"`curl -X {method}` has the server do something.")
    if names & {"-T", "--upload-file"}:
        return change("`curl` sends a file to the server.")
    if names & SENDS and not methods and not names & {"-G", "--get", "-I", "--head"}:
        return change("`curl` sends data to the server, by POST.")
    return None


def _written(parts: Split) -> bool:
    return any(name in WRITES and (word is None or word.text not in NOWHERE) for name, word in parts.options)


def _asked(addresses: list[str], name: str) -> Effect:
    for address in addresses:
        if address.lower().startswith(("smtp", "telnet:", "ldap", "imap", "pop3", "mqtt", "dict:", "gopher")):
            return unknown(f"`{name}` speaks another protocol than HTTP.")
        path = URL.sub("", address)
        if ACTS.search(path):
            return unknown(f"The address {address} names an act: asking for it may do something.")
    return look(f"`{name}` asks a server by GET.")


WGET: Final = Options.of(
    "-O --output-document -T --timeout -t --tries --header --user --password --ca-certificate --waitretry -U --user-agent -e "
    "--method --body-data --body-file --post-data --post-file -o --output-file -P --directory-prefix --http-user --http-password "
    "--bind-address --limit-rate --certificate --private-key --max-redirect --wait -w --connect-timeout --read-timeout",
    "-q --quiet -S --server-response --spider --no-check-certificate -nv --no-verbose -d --debug -4 -6 --no-proxy -v -c "
    "--content-on-error --no-cache --retry-connrefused --show-progress --inet4-only -N -nc -r --recursive --no-hsts",
)


def wget(call: Call) -> Effect:
    """Gets a file, and writes it unless it is told otherwise."""
    parts = split(call.arguments, WGET)
    return replace(_wget(parts), hosts=bare_hosts(word.text for word in parts.rest if word.literal))


def _wget(parts: Split) -> Effect:
    if parts.unknown is not None:
        return unknown(f"`wget` has an option here that we do not know: {parts.unknown.text}.")
    names = parts.names()
    method = (parts.value("--method") or "GET").upper()
    if method == "DELETE":
        return destructive("`wget` has the server delete something.")
    if method not in SAFE_METHODS or names & {"--post-data", "--post-file", "--body-data", "--body-file"}:
        return change("`wget` has the server do something.")
    logs = parts.value("-o", "--output-file")
    if logs not in NOWHERE | {None} or names & {"-e", "-r", "--recursive"}:
        return change("`wget` writes files.", "remove them")
    if "--spider" in names or parts.value("-O", "--output-document") in NOWHERE:
        return _asked([word.text for word in parts.rest], "wget")
    return change("`wget` writes what it gets to a file.", "remove that file")


def httpie(call: Call) -> Effect:
    """Asks a server; the method and the items decide."""
    values = "-a --auth -A --auth-type --timeout --verify --cert --cert-key --proxy -p --print -s --style --pretty --max-redirects"
    flags = "-v --verbose -h --headers -b --body -F --follow -I --ignore-stdin --check-status -q --quiet -S --stream --offline -m --meta --json -j"
    parts = split(call.arguments, Options.of(values, flags))
    if parts.unknown is not None:
        return unknown(f"`{call.name}` has an option here that we do not know: {parts.unknown.text}.")
    words = [word.text for word in parts.rest]
    method = words[0].upper() if words and words[0].isalpha() and words[0].isupper() else ""
    address = [word.text for word in parts.rest[bool(method) :][:1] if word.literal]
    return replace(_httpie(call, words, method), hosts=bare_hosts(address))


def _httpie(call: Call, words: list[str], method: str) -> Effect:
    if method == "DELETE":
        return destructive(f"`{call.name} DELETE` has the server delete something.")
    if method and method not in SAFE_METHODS:
        return change(f"`{call.name} {method}` has the server do something.")
    items = words[2:] if method else words[1:]
    if not method and (call.fed or any(re.search(r"(?<!=)(?::=|=|@)(?!=)", item) for item in items)):
        return change(f"`{call.name}` sends data to the server, by POST.")
    return _asked(words[:2], call.name)


FOUR_LETTERS: Final = frozenset(
    {"ruok", "stat", "mntr", "srvr", "conf", "cons", "dump", "envi", "wchs", "wchc", "wchp", "isro", "stats", "version"}
)


def netcat(call: Call) -> Effect:
    """Talks to a port; with -z it only knocks."""
    if call.has("-e", "-c", "-l", "--exec", "--sh-exec", "--listen"):
        return unknown(f"`{call.name}` listens, or runs a command for whoever calls.")
    if call.has("-z"):
        return look(f"`{call.name} -z` only asks whether a port is open.")
    asked = {line.strip() for line in (call.stdin or "").splitlines() if line.strip()}
    if call.stdin is not None and asked and asked <= FOUR_LETTERS | {"quit"}:
        return look(f"`{call.name}` asks a service for its state.")
    if call.stdin is not None and re.match(r"(?:GET|HEAD) /", call.stdin):
        return _asked([call.stdin.split()[1]], call.name)
    return unknown(f"What `{call.name}` sends is not written here.")


def telnet(call: Call) -> Effect:
    """Talks to a port; what is typed decides."""
    if len([word for word in call.arguments if not word.is_option]) > 1 and (
        not call.fed or call.stdin in {"", "quit", "\n"}
    ):
        return look("`telnet` asks whether a port is open.")
    return unknown("What is typed into `telnet` decides.")


def openssl(call: Call) -> Effect:
    """Shows certificates, or makes them."""
    if any(
        word.text in {"-out", "-keyout", "-CAcreateserial", "-writerand", "-engine", "-provider"}
        for word in call.arguments
    ):
        return change("`openssl` writes a file.", "remove that file, or put back what it held before")
    word = call.arguments[0].text if call.arguments else ""
    if word in {
        "s_client",
        "x509",
        "version",
        "verify",
        "rsa",
        "ec",
        "pkey",
        "asn1parse",
        "ciphers",
        "crl",
        "dgst",
        "sha256",
        "md5",
        "rand",
        "base64",
        "pkcs12",
        "pkcs7",
        "crl2pkcs7",
        "enc",
        "speed",
        "ocsp",
        "passwd",
    } or (word == "req" and not call.has("-x509") and "-new" not in {w.text for w in call.arguments}):
        return look(f"`openssl {word}` prints what it reads.")
    return change("`openssl` makes keys or certificates.")


def tcpdump(call: Call) -> Effect:
    """Prints packets; it can write them to a file."""
    if call.has("-w", "-z", "-G", "-Z", "-C"):
        return change(f"`{call.name}` writes packets to a file.", "remove that file")
    return look(f"`{call.name}` prints packets.")


def grpcurl(call: Call) -> Effect:
    """Calls a service by gRPC."""
    words = [word.text for word in call.arguments]
    if {"list", "describe"} & set(words) or any(
        word.endswith(("grpc.health.v1.Health/Check", "Health/Watch")) for word in words
    ):
        return look("`grpcurl` asks what a service offers.")
    return unknown("What the called method does is not known.")


def programs() -> dict[str, Judge]:
    """Returns the judges of these programs by name."""
    return {
        "curl": curl, "wget": wget, "http": httpie, "https": httpie, "xh": httpie, "nc": netcat, "ncat": netcat, "netcat": netcat,
        "telnet": telnet, "openssl": openssl, "tcpdump": tcpdump, "tshark": tcpdump, "ngrep": tcpdump, "grpcurl": grpcurl,
    }  # fmt: skip
