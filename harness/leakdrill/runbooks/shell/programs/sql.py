"""SQL: a look only when every statement reads, and every function in it is one that we know to change nothing."""

from __future__ import annotations

import re
from typing import Final

from leakdrill.runbooks.shell.programs.effect import Effect, change, destructive, look, unknown, worst

QUOTED: Final = (
    re.compile(r"'(?:''|\\.|[^'\\])*'|\$\$.*?\$\$|--[^\n]*|/\*.*?\*/", re.DOTALL),
    re.compile(r"'(?:''|[^'])*'|\$\$.*?\$\$|--[^\n]*|/\*.*?\*/", re.DOTALL),
)
"""Texts and comments: MySQL takes a backslash in a text for an escape, PostgreSQL does not, so both are tried."""
READS: Final = re.compile(
    r"(?:select|show|explain|describe|desc|with|values|table|pragma\s+\w+\s*$|fetch|list)\b", re.IGNORECASE
)
LOSES: Final = re.compile(
    r"(?:delete|drop|truncate|kill|purge|reset|update|replace|merge|shutdown|discard|optimize)\b", re.IGNORECASE
)
CHANGES: Final = re.compile(
    r"(?:insert|create|alter|set|grant|revoke|vacuum|analyze|reindex|cluster|comment|lock|refresh|begin|commit|rollback|start|end|copy|"
    r"call|do|load|flush|checkpoint|stop|change|rename|use|savepoint|cancel|system|repair|attach|detach|notify|security|reassign)\b",
    re.IGNORECASE,
)
WITHIN: Final = re.compile(
    r"\b(?:insert|update|delete|drop|truncate|alter|create|merge|into|grant|call|lock|share)\b", re.IGNORECASE
)
EXPLAINED: Final = re.compile(
    r"explain\s*(?:\([^)]*\)|(?:analyze|analyse|verbose|extended|format\s*=\s*\w+)\s*)*", re.IGNORECASE
)
FUNCTION: Final = re.compile(r"([A-Za-z_][\w.]*)\s*\(")
NO_FUNCTIONS: Final = frozenset(
    """in and or not values exists any all as over filter where from on join using select with materialized by then when else case like
    distinct union except intersect having limit offset interval array row lateral within group partition between is explain ilike
    varchar char numeric decimal int integer float8 timestamp timestamptz text explain int8 bigint recursive some set unnest only""".split()
)
FUNCTIONS: Final = frozenset(
    """count sum min max avg now coalesce nullif round floor ceil ceiling abs greatest least date_trunc date_part extract to_char to_date
    to_timestamp current_database current_schema current_user current_setting version age substring substr left right length lower upper
    trim ltrim rtrim replace concat concat_ws split_part strpos position array_agg string_agg group_concat json_agg jsonb_agg row_number
    rank dense_rank lag lead first_value last_value percentile_cont percentile_disc stddev variance unnest generate_series array_length
    array_to_string cardinality quote_ident format md5 pg_size_pretty pg_database_size pg_total_relation_size pg_relation_size
    pg_table_size pg_indexes_size pg_tablespace_size pg_stat_get_activity pg_is_in_recovery pg_last_wal_receive_lsn
    pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_current_wal_lsn pg_current_wal_insert_lsn pg_wal_lsn_diff pg_xlog_location_diff
    pg_blocking_pids pg_get_indexdef pg_get_constraintdef pg_get_viewdef pg_get_functiondef pg_get_expr pg_postmaster_start_time
    pg_conf_load_time pg_backend_pid pg_stat_file pg_ls_waldir pg_column_size pg_relation_filepath pg_lock_status pg_get_userbyid txid_current_if_assigned
    mxid_age txid_current_snapshot obj_description col_description has_table_privilege to_regclass ifnull isnull if database schema user
    timestampdiff timediff datediff date_sub date_add date_format unix_timestamp from_unixtime sec_to_time time_to_sec curdate curtime
    format_bytes sys.format_bytes sys.format_time cast convert connection_id row_count inet_ntoa hex unhex date time year
    month day hour minute second localtimestamp current_timestamp clock_timestamp bool_or bool_and json_extract jsonb_array_length
    json_array_length json_build_object jsonb_each to_json row_to_json regexp_replace regexp_matches formatreadablesize
    formatreadablequantity todate tostartofhour tostartofminute today yesterday uniq any anylast quantile topk countif sumif tostring touint64
    hostname uptime pg_catalog.pg_table_is_visible inet_client_addr char_length sign mod power sqrt ln log random""".split()
)
FORGETS: Final = frozenset({"pg_terminate_backend", "pg_drop_replication_slot", "lo_unlink", "pg_stat_reset", "setval"})


def sql_effect(text: str, name: str) -> Effect:
    """Says what statements of SQL do, and what commands of psql's own do."""
    if "/*!" in text:
        return unknown("The statement holds a comment that MySQL runs.")
    return worst([_effect(pattern.sub("''", text), name) for pattern in QUOTED])


def _effect(bare: str, name: str) -> Effect:
    statements = [part.strip() for line in _parts(bare) for part in line.split(";") if part.strip()]
    statements = [one.removesuffix("\\G").removesuffix("\\g").strip() for one in statements]
    if not statements:
        return unknown(f"What `{name}` is to do is not written here.")
    return worst([_statement(one, name) for one in statements])


def _parts(text: str) -> list[str]:
    """Returns the commands that begin with a backslash, each a line of its own, and what stands between them."""
    parts: list[str] = [""]
    for line in text.splitlines():
        if line.lstrip().startswith("\\"):
            parts += [line.strip(), ""]
        else:
            parts[-1] += line + "\n"
    return parts


def _statement(statement: str, name: str) -> Effect:
    if statement.startswith("\\"):
        return _own(statement)
    explained = EXPLAINED.match(statement)
    if explained and not re.search(r"analy[sz]e", explained.group(), re.IGNORECASE):
        return look(f"`{name}` explains a statement and does not run it.")
    inner = EXPLAINED.sub("", statement, count=1).strip() if explained else statement
    word = inner.split(maxsplit=1)[0].upper() if inner.split() else ""
    if LOSES.match(inner):
        return destructive(f"The statement {word} may lose data.")
    if CHANGES.match(inner):
        return change(f"The statement {word} changes the database or the session.")
    if not READS.match(inner):
        return unknown(f"Of the statement {word[:40]} we do not know what it does.")
    return _reading(inner, name)


def _reading(statement: str, name: str) -> Effect:
    functions = {match[1].lower().removeprefix("pg_catalog.") for match in FUNCTION.finditer(statement)}
    if functions & FORGETS:
        return destructive(f"The function {min(functions & FORGETS)} ends or loses something.")
    identifiers = re.sub(r"\"[^\"]*\"|`[^`]*`", "x", statement)
    found = WITHIN.search(identifiers)
    if found and not re.match(r"show\b", statement, re.IGNORECASE):
        return destructive(f"The statement holds {found.group().upper()}: it does more than read.")
    calls = {one for one in functions if one not in NO_FUNCTIONS and one not in FUNCTIONS}
    if calls and not re.match(r"show\b", statement, re.IGNORECASE) and not _names_columns(statement, calls):
        return unknown(f"Of the function {min(calls)} we do not know that it changes nothing.")
    return look(f"`{name}` reads from the database.")


def _names_columns(statement: str, calls: set[str]) -> bool:
    """`WITH name (a, b) AS`: a name before brackets that is no function."""
    return all(
        re.search(rf"\b(?:with|,)\s*{re.escape(one)}\s*\([^)]*\)\s*as\b", statement, re.IGNORECASE) for one in calls
    )


def _own(statement: str) -> Effect:
    if re.match(
        r"\\(?:d\w*\+?S?|l\+?|conninfo|timing|x|pset|q|echo|encoding|z|sf|sv|h|\?|c|connect|watch|a|t|qecho|errverbose|set|du|dt)\b",
        statement,
    ):
        shells = re.search(r"\\(?:!|copy|o|w|g|i|ir|gexec|e|s)\b|\||`", statement[1:])
        return (
            unknown(f"The command {statement[:40]} may run or write something.")
            if shells
            else look("`psql` prints what the database holds.")
        )
    return unknown(f"Of the command {statement[:40]} we do not know what it does.")
