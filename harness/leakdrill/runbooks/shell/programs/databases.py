"""Clients of databases: the statement that they send decides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.programs.effect import Effect, change, destructive, look, unknown, worst
from leakdrill.runbooks.shell.programs.options import Options, split
from leakdrill.runbooks.shell.programs.redis import redis_cli
from leakdrill.runbooks.shell.programs.simple import simple
from leakdrill.runbooks.shell.programs.sql import sql_effect

if TYPE_CHECKING:
    from leakdrill.runbooks.shell.programs.call import Call, Judge

PSQL: Final = Options.of(
    "-c --command -f --file -d --dbname -h --host -p --port -U --username -v --set --variable -P --pset -F --field-separator -R "
    "--record-separator -o --output -L --log-file -T --table-attr",
    "-t --tuples-only -A --no-align -q --quiet -x --expanded -X --no-psqlrc -w --no-password -W --password -e --echo-queries -E -a -b -n "
    "-s -S -l --list -1 --single-transaction -0 -z --csv -H --html -V --version",
)
MYSQL: Final = Options.of(
    "-e --execute -h --host -P --port -u --user -D --database -S --socket --defaults-file --defaults-extra-file --login-path "
    "--default-character-set --protocol --ssl-mode --ssl-ca --connect-timeout --prompt --init-command --tee --pager",
    "-B --batch -N --skip-column-names -s --silent -t --table -v --verbose -E --vertical -A --no-auto-rehash -f --force -r --raw -p "
    "--password -C -H -X -V --version -n -q --quick --skip-password --ssl --column-names --no-defaults",
)
CLICKHOUSE: Final = Options.of(
    "-q --query -h --host --port -u --user --password -d --database -f --format --max_memory_usage --queries-file --config-file",
    "-m --multiline -n --multiquery -s --secure -t --time -E --vertical --version",
)
CQLSH: Final = Options.of(
    "-e --execute -u -p -k -f --file --cqlversion --request-timeout --connect-timeout", "--ssl --no-color -C"
)


def _client(call: Call, options: Options, statement: tuple[str, ...], files: tuple[str, ...]) -> Effect:
    """Says what a client does that gets its statements by an option, from a file or from its input."""
    words = [word for word in call.arguments if not re.match(r"-p.+|--password=", word.text) or "-p" in options.values]
    parts = split(words, options)
    if parts.unknown is not None:
        return unknown(f"`{call.name}` has an option here that we do not know: {parts.unknown.text}.")
    names = parts.names()
    if names & {"--version", "-V"}:
        return look(f"`{call.name}` prints its version.")
    if names & set(files):
        return unknown("The statements stand in a file, not here.")
    given = [value for name, value in parts.options if name in statement and value is not None]
    if any("$" in value.text and not value.literal for value in given):
        return worst(
            [
                unknown("A part of the statement shows only when it runs."),
                *(sql_effect(v.text, call.name) for v in given),
            ]
        )
    if given:
        return worst([sql_effect(value.text, call.name) for value in given])
    if call.stdin is not None:
        return sql_effect(call.stdin, call.name)
    if call.fed:
        return unknown(f"`{call.name}` runs whatever comes in.")
    return unknown(f"`{call.name}` waits for statements; what is typed decides.")


def psql(call: Call) -> Effect:
    """The client of PostgreSQL."""
    if call.has("-l", "--list") and not call.has("-c", "--command", "-f", "--file"):
        return look("`psql -l` lists databases.")
    effect = _client(call, PSQL, ("-c", "--command"), ("-f", "--file"))
    if effect.badness == 0 and call.has("--output", "--log-file", "-o", "-L"):
        return change("`psql` writes a file.", "remove that file")
    return effect


def mysql(call: Call) -> Effect:
    """The client of MySQL and MariaDB."""
    if any(word.text.startswith(("--init-command", "--tee", "--pager")) for word in call.arguments):
        return unknown(f"`{call.name}` does what an option says that is not judged.")
    return _client(call, MYSQL, ("-e", "--execute"), ())


def clickhouse(call: Call) -> Effect:
    """The client of ClickHouse."""
    words = call.arguments[1:] if call.arguments and call.arguments[0].text == "client" else call.arguments
    return _client(call.with_words((call.words[0], *words)), CLICKHOUSE, ("-q", "--query"), ("--queries-file",))


def cqlsh(call: Call) -> Effect:
    """The client of Cassandra."""
    return _client(call, CQLSH, ("-e", "--execute"), ("-f", "--file"))


def sqlite(call: Call) -> Effect:
    """The client of SQLite."""
    words = [
        word
        for word in call.arguments
        if not re.fullmatch(r"-(?:header|csv|json|line|column|readonly|box|table)", word.text)
    ]
    if any(word.is_option for word in words) or not words:
        return unknown("`sqlite3` has an option here that we do not know.")
    texts = [word.text for word in words[1:]] or ([call.stdin] if call.stdin else [])
    if not texts:
        return unknown("`sqlite3` waits for statements; what is typed decides.")
    own = re.compile(r"\.(?:tables|schema|indexes|databases|dbinfo|show)\b[^|]*")
    return worst(
        [look("`sqlite3` reads.") if own.fullmatch(text.strip()) else sql_effect(text, "sqlite3") for text in texts]
    )


MONGO_READS: Final = re.compile(
    r"(?:printjson\(|print\(|JSON\.stringify\(|EJSON\.stringify\()*\s*(?:show (?:dbs|databases|collections|users|profile|log \w+)|"
    r"rs\.(?:status|conf|printReplicationInfo|printSecondaryReplicationInfo|isMaster|hello)\(\)|sh\.status\(\)|"
    r"db\.(?:serverStatus|stats|currentOp|hello|isMaster|version|getMongo|hostInfo|getCollectionNames|getName|printCollectionStats|getProfilingStatus|"
    r"getReplicationInfo|serverBuildInfo|getUsers|getCollectionInfos|printReplicationInfo|printSecondaryReplicationInfo|help|listCommands)\([^()]*\)|"
    r"db\.(?:getSiblingDB\([\"'\w-]+\)\.)?(?:getCollection\([\"'\w.-]+\)|\w+)\.(?:find|findOne|count|countDocuments|estimatedDocumentCount|stats|getIndexes|"
    r"distinct|dataSize|storageSize|totalSize|totalIndexSize|explain|latencyStats|validate)\([^()$]*\)|"
    r"db\.adminCommand\(\s*[{\"'\s]*(?:ping|serverStatus|listDatabases|replSetGetStatus|currentOp|getParameter|hostInfo|connPoolStats|buildInfo|top)\b[^()]*\))"
    r"(?:\.(?:pretty|limit|sort|count|skip|toArray|size|ok|explain|connections|mem|uptime|members|wiredTiger\.?\w*|\w+)(?:\([^()]*\))?)*\s*\)*\s*;?\s*"
)
MONGO_LOSES: Final = re.compile(
    r"drop|remove|delete|killOp|shutdown|compact|replSet|stepDown|truncate|update|\$out|\$merge|reconfig|fsync",
    re.IGNORECASE,
)


def mongo(call: Call) -> Effect:
    """The shells of MongoDB."""
    code = [call.arguments[i + 1].text for i, word in enumerate(call.arguments[:-1]) if word.text == "--eval"]
    code += [word.text.partition("=")[2] for word in call.arguments if word.text.startswith("--eval=")]
    scripts = any(
        word.text.endswith(".js") or word.many or word.text in {"--shell", "-f", "--file"} for word in call.arguments
    )
    if not code and call.stdin is not None:
        code = call.stdin.splitlines()
    if not code or scripts:
        return unknown(f"What `{call.name}` is to do is not written here.")
    statements = [part.strip() for one in code for part in re.split(r"[;\n]", one) if part.strip()]
    if any(MONGO_LOSES.search(one) and not MONGO_READS.fullmatch(one) for one in statements):
        return destructive("The statement may lose data.")
    if all(MONGO_READS.fullmatch(one) for one in statements):
        return look(f"`{call.name}` reads from the database.")
    return unknown(f"Of what is sent by `{call.name}` we do not know what it does.")


def mysqladmin(call: Call) -> Effect:
    """Asks a server of MySQL for its state, or stops it."""
    shows = {"status", "extended-status", "processlist", "ping", "variables", "version", "proc", "extended", "var"}
    parts = split(
        [word for word in call.arguments if not re.match(r"-p.+|--password=", word.text)],
        Options.of(
            "-h --host -u --user -P --port -S --socket -i --sleep -c --count --defaults-file --protocol",
            "-p --password -v -r -E -s --relative",
        ),
    )
    if parts.unknown is None and parts.rest and all(word.text in shows for word in parts.rest):
        return look("`mysqladmin` prints the state of a server.")
    return destructive("`mysqladmin` ends or changes something.")


ROWS: Final = """
change pg_dump, pg_dumpall, mysqldump, mongodump, mongoexport, pg_basebackup, mydumper, xtrabackup, redis-dump | writes what a database holds | remove the file
change createdb, createuser, initdb, mongoimport, vacuumdb, reindexdb, clusterdb, pgbench, sysbench, redis-benchmark, mysqlslap | changes a database
destructive dropdb, dropuser, pg_restore, mongorestore, pg_resetwal, pg_rewind, pg_repack, mysqlcheck, mysql_upgrade, myloader, pg_upgrade | may lose what a database holds
unknown pgbouncer, mysqld, mysqld_safe, postgres, mongod, redis-server, influxd | starts a server
"""


def pg_ctl(call: Call) -> Effect:
    """Starts, stops or shows a server of PostgreSQL."""
    if "status" in {word.text for word in call.arguments}:
        return look("`pg_ctl status` prints whether a server runs.")
    return change("`pg_ctl` starts, stops or changes a server.", "start or stop it again")


def dump(call: Call) -> Effect:
    """Prints what a database holds, where no option names a file."""
    if call.has(
        "-f",
        "--file",
        "-r",
        "--result-file",
        "-T",
        "--tab",
        "--flush-logs",
        "--delete-master-logs",
        "--master-data",
        "--lock-all-tables",
        "-F",
    ):
        return change(f"`{call.name}` writes a file, or changes the server.", "remove that file")
    return look(f"`{call.name}` prints what a database holds.")


def programs() -> dict[str, Judge]:
    """Returns the judges of these programs by name."""
    return {
        **simple(ROWS), "psql": psql, "pgcli": psql, "mysql": mysql, "mariadb": mysql, "mycli": mysql, "clickhouse-client": clickhouse,
        "clickhouse": clickhouse, "cqlsh": cqlsh, "sqlite3": sqlite, "mongo": mongo, "mongosh": mongo, "mysqladmin": mysqladmin,
        "mariadb-admin": mysqladmin, "pg_ctl": pg_ctl, "pg_dump": dump, "pg_dumpall": dump, "redis-cli": redis_cli,
        "valkey-cli": redis_cli, "keydb-cli": redis_cli,
    }  # fmt: skip
