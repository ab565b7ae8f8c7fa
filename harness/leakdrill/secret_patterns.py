"""What a secret looks like in text: the names of secrets, the places where their values stand, and known forms of keys.

Each rule is a pattern and what takes the place of its match. A value in a place that is not certain (`password is X`,
`-p X`) must also look like a secret: `password is required` and `mkdir -p build` stay readable.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

MASK: Final = "***"
_KEYS: Final = (
    "api|access|private|routing|service|account|auth|client|consumer|deploy|encryption|hmac|integration|license|master"
    "|secret|shared|signing|ssh|storage|stripe|webhook"
)
_PASSWORD_WORDS: Final = "passw(?:or)?d|passphrase|passwort|kennwort|contraseña|pwd"  # noqa: S105 - a pattern
_NOT_ITSELF: Final = "".join(
    f"(?<!{end})"
    for end in ("file", "path", "name", "ref", "count", "limit", "ttl", "type", "length", "policy", "format", "class")
)
"""`password_file` and `secretName` say where a secret is, `token_count` how many there are."""
_NAME: Final = (
    rf"(?:(?=[\w.-]*(?:{_PASSWORD_WORDS}|secret(?!ar)|token(?!i[sz])|(?:{_KEYS})[_-]?key|credentials?|authorization"
    r"|cookie|session[_-]?id|signature|dsn|[_.-]pass(?![a-z])|jwt(?![a-z])))[\w.-]+|(?:[\w.-]*[_.-])?auth)"
    rf"{_NOT_ITSELF}"
)
"""A name is looked through once for such a word, so that `token.token.token` of any length takes time in its length."""
SECRET_NAME: Final = re.compile(_NAME, re.IGNORECASE)
"""The names of variables, headers, options and parameters whose values are secrets."""
PASSWORD_NAME: Final = re.compile(rf"[\w.-]*(?:{_PASSWORD_WORDS})", re.IGNORECASE)
"""Those whose values are secrets although they are numbers."""

_WORD_ENDS: Final = r"(?![\w@!#$%^*-]|\.\w)"
_STATES: Final = (
    "null|none|nil|true|false|yes|no|on|off|required|missing|invalid|incorrect|wrong|expired|empty|unset|optional|denied"
    "|rejected|accepted|failed|disabled|enabled|unknown|mandatory"
)
"""What is said of a password: `password: required` holds none."""
_QUOTED: Final = r"b?\\?\"[^\"\n]+(?:\"|$)|b?\\?'[^'\n]+(?:'|$)"
_VARIABLE: Final = r"(?:\w+ )?\$(?:\{\w+\}|\{\{[^{}'\"\n]{1,200}\}\}|(?-i:[A-Z][A-Z0-9]*_[A-Z0-9_]+))"
NO_SECRET: Final = re.compile(_VARIABLE)
"""The name of a variable in the place of a secret: `Bearer ${SHOP_TOKEN}`, `GH_TOKEN: ${{ github.token }}`."""
_VALUE: Final = (
    rf"(?!\"{_VARIABLE}\"|'{_VARIABLE}'|{_VARIABLE}(?:[\s,;&\"'}}\])]|$))"
    rf"(?!\d+(?:\.\d+)?(?![\w.]))(?:{_QUOTED}|(?!(?:{_STATES}){_WORD_ENDS})[^\s,;&\"'}}\])][^\s,;&\"'}}\])]*)"
)
_LIKE_A_SECRET: Final = (
    r"(?-i:(?=[^\s\"']{0,400}[A-Za-z])(?=[^\s\"']{0,400}(?:\d|[!#$%^&*~]|[a-z][A-Z]))(?![\w.-]*[/:\\]|\d+\w{0,3}(?![\w-])|\w+=|[<{$%-])"  # noqa: S105 - a pattern
    r"(?!(?:sha|md|v|utf|base|http|oauth|aes|rsa|argon|scrypt|bcrypt|pbkdf|tls|k|ip)[\d._-])[^\s,;\"'\])}]{4,})"
)
"""Letters with digits, signs or capitals among them; no path, port, address or number with a unit."""
_PLAIN_WORD: Final = (
    rf"(?:\w+(?:ed|ing|able|ible|ory|ly|ous|ful|less|ive)|{_STATES}|set|sent|kept|known|read|same|different|new|old|stale"
    r"|ok|correct|valid|short|long|weak|strong|secret|safe|plain|blank|that|this|there|what|gone|lost|good|default|public|private|here"
    rf"|hidden|identical|unique|random|absent|present){_WORD_ENDS}"
)
_IS: Final = r"\s+(?:is|was)\s*[:=]?\s+"
_OTHER_P: Final = re.compile(
    r"(?<![\w.-])(?:mkdir|cp|rsync|scp|ssh|sftp|pytest|python[\d.]*|ps|pidof|pgrep|kill|nmap|cargo|git|npm|npx|yarn|pnpm|mvn"
    r"|tar|nc|perf|strace|gdb|lsof|iptables|make|perl|patch|date|read|tee|top|htop|pidstat|py-spy|systemctl|kubectl|helm"
    r"|terraform|locust|leakdrill|taskset|renice|nice|ionice|unshare|jq|protoc|tsc|node|ruby|go|adb|wget|xargs|flock|trap)"
    r"(?!\S)"
)
"""Programs whose `-p` is a port, a path, a process, a package or a module."""
_USER_GIVEN: Final = re.compile(r"(?<!\S)(?:-u|-U|--user|--username|login)(?![\w-])")
_SECRET_WORD: Final = re.compile(_LIKE_A_SECRET)


def is_password_option(words: str, value: str) -> bool:
    """Whether `value` behind a `-p`, which stands behind `words` in a command line, is a password."""
    if _OTHER_P.search(words):
        return False
    if _SECRET_WORD.fullmatch(value):
        return True
    return bool(_USER_GIVEN.search(words)) and not re.match(r"[-/.~$<{\[]|\*\*\*|[\d.:]+(?:/\w+)?$|.*:\d+$", value)


def _after_p(match: re.Match[str]) -> str:
    before = re.split(r"[\n|;&]", match.string[max(0, match.start() - 300) : match.start()])[-1]
    return f"{match[1]}{MASK}" if is_password_option(before, match[2]) else match[0]


def _basic(match: re.Match[str]) -> str:
    """`Basic` and what follows, masked where that is the base64 of `user:password`, or looks like it."""
    try:
        text = base64.b64decode(match[2] + "=" * (-len(match[2]) % 4), validate=True)
    except (binascii.Error, ValueError):
        text = b""
    is_secret = b":" in text or re.fullmatch(r".*=|(?=.*\d)(?=.*[a-z])(?=.*[A-Z]).{16,}", match[2])
    return f"{match[1]} {MASK}" if is_secret else match[0]


def _items(match: re.Match[str]) -> str:
    """A list of secrets, each item on a line of its own."""
    return match["head"] + re.sub(r"(?m)^([ \t]*- +)(?!\*\*\*)\S.*$", rf"\1{MASK}", match["items"])


@dataclass(frozen=True)
class Rule:
    """What a secret looks like in its place, and what takes the place of the match; compiled when it is first used."""

    pattern: str
    replacement: str | Callable[[re.Match[str]], str]
    flags: int

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, self.flags)

    def masked(self, text: str) -> str:
        """`text` with each match replaced."""
        return self._compiled.sub(self.replacement, text)


def _rule(
    pattern: str, replacement: str | Callable[[re.Match[str]], str] = rf"\1{MASK}", flags: int = re.IGNORECASE
) -> Rule:
    return Rule(pattern, replacement, flags)


_AT_A_LINE: Final = r"(?:^|[\n\"'{,(;&]\s*)"
_KEY_LINE: Final = rf"(?:^|\n)(?P<indent>[ \t]*)(?:- )?[\"']?{_NAME}[\"']?[ \t]*:[ \t]*"
_NO_MASK: Final = r"(?!\*\*\*)"
_NAMED: Final = r"[\"']?\b(?:name|key|header|field)[\"']?[ \t]*[:=][ \t]*[\"']?"

_BLOCKS: Final = (
    _rule(r"-----BEGIN ([A-Z ]{0,40})PRIVATE KEY((?: BLOCK)?)-----.*?(?:-----END \1PRIVATE KEY\2-----|\Z)",
          MASK, re.DOTALL),
    _rule(rf"(?P<head>{_KEY_LINE}[|>][-+\d]*[ \t]*\n)(?:(?P=indent)[ \t]+\S[^\n]*(?:\n|$)|[ \t]*\n)+",
          rf"\g<head>\g<indent>  {MASK}\n"),
    _rule(rf"(?P<head>{_KEY_LINE}\n)(?P<items>(?:[ \t]*- [^\n:]*(?:\n|$))+)", _items),
    _rule(rf"({_AT_A_LINE}{_NAME}[\"']?[ \t]*:[ \t]*\n[ \t]*)(?!- |\*\*\*)"
          rf"(?:{_QUOTED}|(?!(?:{_STATES}){_WORD_ENDS})[^\s\"':{{\[]\S*(?<![:,]))(?=[ \t,}}\])]*(?:\n|$))"),
    _rule(rf"(\b(?:{_PASSWORD_WORDS})(?: for [^\n]{{1,80}})?:[ \t]*\n[ \t]*){_LIKE_A_SECRET}(?=[ \t]*(?:\n|$))"),
)  # fmt: skip
"""Values that begin on the line behind their name, or take several lines."""

_ADDRESSES: Final = (
    _rule(r"(?<=//)([^/\s:@\"'?#[]{0,200}):(?!\*\*\*@)(?:[^/\s\"'?#]{1,400}|(?!\d+[/?#])[^\s\"'@]{1,200})@",
          rf"\1:{MASK}@", 0),
    _rule(r"(?:(?<=https://)|(?<=http://))(?!\*\*\*[@:])[^/\s:@\"'?#]{1,200}(?=@|:\*\*\*@)", MASK),
    _rule(r"(?<=://)(?=[^/\s:@\"'?#]*\d)[^/\s:@\"'?#]{12,200}@", f"{MASK}@", 0),
    _rule(rf"(?<![\w.-])([\w.-]{{1,100}}:){_NO_MASK}[^\s@\"']{{1,200}}(?=@(?:tcp|udp|unix)\()"),
    _rule(rf"(?<![\w./-])(\w{{1,100}}/){_NO_MASK}[^\s/@\"':]{{1,200}}(?=@//)"),
    _rule(r"(https?://(?:hooks\.slack\.com|[\w.-]*\.webhook\.office\.com|discord(?:app)?\.com/api/webhooks"
          r"|events\.pagerduty\.com/integration))/[^\s\"'<>]+", rf"\1/{MASK}"),
    _rule(r"(api\.telegram\.org/bot)[^/\s\"'<>]+"),
    _rule(rf"([?&#](?:sig|code|key|auth)=){_NO_MASK}[^\s&\"'<>#]+"),
)  # fmt: skip
_HEADERS: Final = (
    _rule(rf"({_AT_A_LINE}[><*]?\s*(?:set-)?cookie2?[\"']?\s*:\s*[\"']?)[^\r\n\"']+"),
    _rule(r"((?<![\w.])(?:set-)?cookie2?[\"']?\s*[:=]\s*[\"']?)(?=[\w.-]+=)[^\r\n\"']+"),
    _rule(rf"({_AT_A_LINE}[><*]?\s*(?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?)"
          rf"(?!\s*(?:(?:{_STATES}){_WORD_ENDS}|\S+\s+[<${{]))[^\r\n\"']+"),
    _rule(r"((?<![\w.])(?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?)"
          rf"(?:(?:digest|aws4-hmac-sha256)\s+[^\r\n']+|(?:basic|bearer|token|apikey|negotiate)\s+(?![<${{%*])[^\s\"',]+"
          rf"|{_LIKE_A_SECRET})"),
    _rule(r"\b(Basic)\s+([\w+/-]{4,}={0,2})", _basic),
    _rule(rf"\b(Bearer)\s+{_NO_MASK}(?!(?:tokens?|auth\w*|schemes?|headers?|credentials?|realm|was|is|not|and|from|with|must)"
          r"\b)[\w.~+/=-]{4,}", rf"\1 {MASK}"),
)  # fmt: skip
_NAMES: Final = (
    _rule(rf"(?<![\w.-])((?:--?)?{_NAME}[\"'\]]{{0,2}}[ \t]*(?:=>|->|:=|=(?![=>]))[ \t]*){_NO_MASK}{_VALUE}"),
    _rule(rf"({_AT_A_LINE}{_NAME}[\"']?[ \t]*:(?!=)[ \t]*)(?!\*\*\*|[|>][-+\d]*[ \t]*(?:\n|$)){_VALUE}"),
    _rule(rf"(?<![\w.-])([\w.-]*(?:{_PASSWORD_WORDS}|passcode)[\"'\]]{{0,2}}\s*[:=]\s*)\d{{4,}}(?![\w.]|[ \t]+[a-z])"),
    _rule(r"(?<!\S)(--?" + _NAME + r"\s+)(?![-\[]|\*\*\*)(?:\"[^\"\n]*\"|'[^'\n]*'|\S+)"),
    _rule(rf"(<{_NAME}>)[^<\n]+(?=</)"),
    _rule(rf"({_NAMED}{_NAME}[\"']?[\s,;]{{1,40}}[\"']?value[\"']?\s*[:=]\s*){_NO_MASK}{_VALUE}"),
    _rule(rf"([{{,]\s*[\"']value[\"']\s*:\s*){_NO_MASK}(?:{_QUOTED})(?=\s*,\s*{_NAMED}{_NAME}[\"'])"),
    _rule(rf"((?:[\[(]|[\])]\s*,)\s*[\[(]\s*b?[\"']{_NAME}[\"']\s*,\s*){_NO_MASK}(?:{_QUOTED})(?=\s*[\])])"),
    _rule(rf"([\[(]\s*b?[\"'](?:(?:proxy-)?authorization|(?:set-)?cookie)[\"']\s*,\s*){_NO_MASK}(?:{_QUOTED})(?=\s*[\])])"),
    _rule(rf"([\[(]\s*b?[\"']{_NAME}[\"']\s*,\s*){_NO_MASK}(?!b?[\"'][a-z_ -]+[\"'])(?:{_QUOTED})(?=\s*[\])])"),
    _rule(rf"({_AT_A_LINE}(?:pass|pw|creds?)[\"']?[ \t]*:[ \t]*[\"']?){_LIKE_A_SECRET}", flags=0),
    _rule(rf"((?<![\w.-])(?:pass|pw|creds?)=[\"']?){_LIKE_A_SECRET}"),
    _rule(rf"(\b(?:{_KEYS}) keys?(?:{_IS}|\s*[:=]\s*))(?:{_QUOTED}|{_LIKE_A_SECRET})"),
)  # fmt: skip
_SENTENCES: Final = (
    _rule(rf"(\b(?:{_PASSWORD_WORDS}|passcode){_IS}){_NO_MASK}(?:{_QUOTED}|{_LIKE_A_SECRET}"
          rf"|\d{{4,}}(?!\s+\w|\w)|(?!{_PLAIN_WORD})\w{{4,}}(?=[.,;!)]?(?:\s*$|\s*\n)))"),
    _rule(rf"(\b(?:token|secret|{_KEYS.replace('|', '[_-]?key|')}[_-]?key|credentials?){_IS})"
          rf"{_NO_MASK}(?:(?![\"'](?:{_STATES})[\"']){_QUOTED}|{_LIKE_A_SECRET})"),
    _rule(rf"(\b(?:{_PASSWORD_WORDS})\s+){_NO_MASK}(?:{_QUOTED}|{_LIKE_A_SECRET})"),
    _rule(rf"(\b(?:requirepass|masterauth|aws_secret_access_key|_?auth_?token|api_?key)\s+){_LIKE_A_SECRET}"),
    _rule(rf"(\btoken\s+)(?=[\w+/=~-]{{16,}}(?![\w.:/]))(?=\S*\d){_LIKE_A_SECRET}"),
    _rule(rf"(\bidentified\s+by\s+|\blogin\s+\S+\s+password\s+){_NO_MASK}(?:'[^'\n]*'|\S+)"),
)  # fmt: skip
_COMMANDS: Final = (
    _rule(r"((?<!\S)(?:-u|-U|--user|--proxy-user)[\s=]+[^\s:\"']+:)(?!\*\*\*|\d+(?!\S))[^\s\"']+", flags=0),
    _rule(r"((?<!\S)-U[\s=]*[^\s%\"']+%)(?!\*\*\*)[^\s\"']+", flags=0),
    _rule(r"(\b(?:sshpass\s+-p\s*|redis-cli\s(?:[^\n|;&]{0,200}\s)?-a\s+|mysql\w{0,9}\s(?:[^\n|;&]{0,200}\s)?-p"
          r"|(?:un)?zip\s(?:[^\n|;&]{0,200}\s)?-P\s+|ldap\w{1,9}\s(?:[^\n|;&]{0,200}\s)?-w\s+|openssl\s(?:[^\n|;&]{0,200}\s)?-pass(?:in|out)?\s+pass:))"
          r"(?!\*\*\*)[^\s\"']+", flags=0),
    _rule(r"((?<!\S)-p[ \t=]+)(?![-*])([^\s\"']+)", _after_p, 0),
)  # fmt: skip
_KEY_FORMS: Final = (
    _rule(r"\beyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*", MASK, 0),
    _rule(r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|xox[abprs]-[\w-]{10,}|xapp-[\w-]{10,}|A[KS]IA[0-9A-Z]{16}"
          r"|AIza[\w-]{30,}|glpat-[\w-]{15,}|[sr]k_(?:live|test)_\w{16,}|sk-(?:ant|proj|or|svcacct)-[\w-]{20,}"
          r"|npm_\w{30,}|pypi-[\w-]{20,}|dop_v1_\w{20,}|hvs\.[\w-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,}|ya29\.[\w-]{20,})",
          MASK, 0),
)  # fmt: skip
_WORDS: Final = "pass|pwd|kennwort|contraseña|secret|token|key|credential|auth"
RULES: Final = tuple(
    (re.compile(hint, re.IGNORECASE), rules)
    for hint, rules in (
        (r"PRIVATE KEY|:[ \t]*(?:[|>][-+\d]*[ \t]*)?\n", _BLOCKS),
        (r"//|@(?:tcp|udp|unix)\(|api\.telegram|[?&#](?:sig|code|key|auth)=", _ADDRESSES),
        (r"cookie|authorization|basic|bearer", _HEADERS),
        (rf"{_WORDS}|\bpw\b|creds?\b|cookie|session|signature|dsn|jwt", _NAMES),
        (rf"{_WORDS}|identified", _SENTENCES),
        (r"(?<!\S)-[pPuUw]|--user|--proxy-user|sshpass|redis-cli|mysql|openssl", _COMMANDS),
        (r"eyJ|gh[pousr]_|github_pat|xox|xapp-|AKIA|ASIA|AIza|glpat|[sr]k[_-]|npm_|pypi-|dop_v1_|hvs\.|SG\.|ya29\.",
         _KEY_FORMS),
    )
)  # fmt: skip
"""The rules in their order, each group with what text must hold for one of its rules to find anything."""
