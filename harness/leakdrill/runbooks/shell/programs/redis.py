"""redis-cli and its relatives: the command that they send decides."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.programs.effect import Effect, change, destructive, look, unknown, worst
from leakdrill.runbooks.shell.programs.options import Options, split

if TYPE_CHECKING:
    from leakdrill.runbooks.shell.programs.call import Call

OPTIONS: Final = Options.of(
    "-h -p -s -a -u -r -i -n -d -D -t -X --user --pass --pattern --quoted-pattern --count --cursor --cacert --cacertdir --cert --key --sni "
    "--tls-ciphers --intrinsic-latency --memkeys-samples --show-pushes --lru-test --rdb --functions-rdb --eval --cluster --top",
    "-c -x -2 -3 -e --raw --no-raw --quoted-input --csv --json --stat --latency --latency-history --latency-dist --bigkeys --memkeys "
    "--keystats --hotkeys --scan --no-auth-warning --tls --insecure --askpass --verbose --replica --pipe --ldb --version",
)
SHOWS: Final = frozenset(
    {
        "--stat",
        "--latency",
        "--latency-history",
        "--latency-dist",
        "--bigkeys",
        "--memkeys",
        "--hotkeys",
        "--scan",
        "--keystats",
    }
)
LOOKS: Final = frozenset(
    """PING ECHO INFO DBSIZE TIME LASTSAVE ROLE MONITOR KEYS SCAN GET MGET STRLEN GETRANGE SUBSTR EXISTS TYPE TTL PTTL EXPIRETIME LLEN
    LRANGE LINDEX LPOS HGET HMGET HGETALL HKEYS HVALS HLEN HEXISTS HSCAN HSTRLEN SCARD SMEMBERS SISMEMBER SSCAN SRANDMEMBER SINTER
    SUNION SDIFF ZCARD ZCOUNT ZRANGE ZREVRANGE ZRANGEBYSCORE ZSCORE ZRANK ZREVRANK ZSCAN ZLEXCOUNT XLEN XRANGE XREVRANGE XINFO XPENDING
    BITCOUNT GETBIT BITPOS PFCOUNT GEODIST GEOPOS GEOSEARCH RANDOMKEY DUMP COMMAND SELECT AUTH HELLO SUBSCRIBE PSUBSCRIBE LOLWUT
    READONLY QUIT WAIT""".split()
)
TWO_WORDS: Final = frozenset(
    """CONFIG GET|MEMORY USAGE|MEMORY STATS|MEMORY DOCTOR|MEMORY MALLOC-STATS|MEMORY HELP|CLIENT LIST|CLIENT INFO|CLIENT GETNAME|CLIENT ID|
    SLOWLOG GET|SLOWLOG LEN|LATENCY LATEST|LATENCY DOCTOR|LATENCY HISTORY|LATENCY GRAPH|LATENCY HISTOGRAM|ACL LIST|ACL USERS|ACL WHOAMI|ACL GETUSER|ACL CAT|
    CLUSTER INFO|CLUSTER NODES|CLUSTER SLOTS|CLUSTER SHARDS|CLUSTER KEYSLOT|CLUSTER COUNTKEYSINSLOT|CLUSTER MYID|CLUSTER LINKS|OBJECT ENCODING|
    OBJECT FREQ|OBJECT IDLETIME|OBJECT REFCOUNT|PUBSUB CHANNELS|PUBSUB NUMSUB|PUBSUB NUMPAT|MODULE LIST|FUNCTION LIST|FUNCTION STATS|SCRIPT EXISTS|
    SENTINEL MASTERS|SENTINEL MASTER|SENTINEL SLAVES|SENTINEL REPLICAS|SENTINEL SENTINELS|SENTINEL GET-MASTER-ADDR-BY-NAME|SENTINEL CKQUORUM|
    XINFO STREAM|XINFO GROUPS|XINFO CONSUMERS|COMMAND COUNT|COMMAND DOCS|DEBUG OBJECT""".replace("\n", "").split("|")
)
LOOKS_OF_TWO: Final = frozenset(re.sub(r"\s+", " ", one).strip() for one in TWO_WORDS)
WITH_SECOND: Final = frozenset({one.split()[0] for one in LOOKS_OF_TWO} - {"COMMAND", "XINFO"})
LOSES: Final = frozenset(
    """FLUSHALL FLUSHDB DEL UNLINK SHUTDOWN GETDEL LTRIM RENAME MOVE SWAPDB LPOP RPOP SPOP ZPOPMIN ZPOPMAX SREM HDEL ZREM LREM XDEL XTRIM
    RESTORE MIGRATE GETSET REPLICAOF SLAVEOF FAILOVER DEBUG""".split()
)
CHANGES: Final = frozenset(
    """SET SETEX PSETEX SETNX MSET APPEND INCR INCRBY DECR DECRBY EXPIRE PEXPIRE EXPIREAT PERSIST LPUSH RPUSH HSET HMSET SADD ZADD
    XADD BGSAVE SAVE BGREWRITEAOF PUBLISH TOUCH GETEX COPY HINCRBY ZINCRBY XGROUP XACK PFADD SETRANGE SETBIT LSET LINSERT""".split()
)
LOSES_OF_TWO: Final = frozenset(
    {
        "CLIENT KILL",
        "SLOWLOG RESET",
        "CLUSTER RESET",
        "CLUSTER FORGET",
        "CLUSTER FAILOVER",
        "SCRIPT FLUSH",
        "ACL DELUSER",
    }
)


def redis_cli(call: Call) -> Effect:
    """Sends a command to a server, or several that it reads."""
    parts = split(call.arguments, OPTIONS, until_argument=True)
    if parts.unknown is not None:
        return unknown(f"`{call.name}` has an option here that we do not know: {parts.unknown.text}.")
    names = parts.names()
    if "--cluster" in names:
        return _cluster(parts.value("--cluster") or "")
    if names & {"--rdb", "--functions-rdb"}:
        return change(f"`{call.name} --rdb` writes a file.", "remove that file")
    if names & {"--eval", "--pipe", "--ldb", "--lru-test", "-X"}:
        return unknown(f"`{call.name}` runs a script, or commands that are not written here.")
    if names & SHOWS:
        return look(f"`{call.name}` prints facts of the server.")
    words = [word.text for word in parts.rest]
    if parts.rest and not all(word.literal for word in parts.rest[:1]):
        return unknown("Which command is sent is not written here.")
    if words:
        return redis_command(words)
    if names & {"--version"}:
        return look("It prints its version.")
    return _read_commands(call)


def _cluster(word: str) -> Effect:
    if word in {"info", "check", "help"}:
        return look(f"`redis-cli --cluster {word}` prints the state of a cluster.")
    return destructive(f"`redis-cli --cluster {word}` moves or removes parts of a cluster.")


def _read_commands(call: Call) -> Effect:
    lines = [line for line in (call.stdin or "").splitlines() if line.strip()]
    if not lines or "$" in (call.stdin or ""):
        return unknown(f"What `{call.name}` is to do is not written here.")
    try:
        return worst([redis_command(shlex.split(line)) for line in lines])
    except ValueError:
        return unknown(f"What `{call.name}` reads is no command.")


def redis_command(words: list[str]) -> Effect:
    """Says what a command of Redis does."""
    first = words[0].upper().strip("'\"") if words else ""
    if " " in first:
        return redis_command([*first.split(), *words[1:]])
    both = f"{first} {words[1].upper()}" if len(words) > 1 else first
    if both in LOOKS_OF_TWO or (first in LOOKS and first not in WITH_SECOND):
        return look(f"`{both if both in LOOKS_OF_TWO else first}` reads from Redis.")
    if both in LOSES_OF_TWO or (first in LOSES and both != "DEBUG SLEEP"):
        return destructive(f"`{both if both in LOSES_OF_TWO else first}` may lose what Redis holds.")
    if both == "CONFIG SET":
        return change("`CONFIG SET` sets a setting of Redis.", "`CONFIG SET` to what `CONFIG GET` printed before")
    if first in CHANGES or first in WITH_SECOND:
        return change(f"`{both if first in WITH_SECOND else first}` changes what Redis holds or does.")
    return unknown(f"Of `{first}` we do not know what it does in Redis.")
