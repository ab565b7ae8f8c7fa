"""Stores, queues and secrets: etcd, Ceph, RabbitMQ, Kafka, Vault, Consul, Cassandra, Elasticsearch and others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.programs.effect import Effect, change, destructive, look, unknown
from leakdrill.runbooks.shell.programs.options import Options
from leakdrill.runbooks.shell.programs.simple import writes
from leakdrill.runbooks.shell.programs.table import Table, entries

if TYPE_CHECKING:
    from leakdrill.runbooks.shell.programs.call import Call, Judge

ROWS: Final = {
    "etcdctl": """
        look get, endpoint health, endpoint status, endpoint hashkv, member list, alarm list, version, user list, role list, lease list, cluster-health, ls, snapshot status, auth status | prints what the store holds
        change put, snapshot save, member add, member promote, member update, move-leader, user add, role add, lease grant, elect, lock, auth enable, user grant-role, set, mk | changes the store, or writes a file
        destructive del, rm, compact, compaction, defrag, alarm disarm, member remove, snapshot restore, lease revoke, auth disable, role delete, user delete, make-mirror, txn | may lose what the store holds""",
    "etcdutl": "look snapshot status, version | prints what a file holds",
    "ceph": """
        look status, -s, health, health detail, df, df detail, osd tree, osd stat, osd status, auth dump-keys, nfs export ls, nfs export info, nfs cluster ls, nfs cluster info, fs subvolume ls, fs subvolumegroup ls, fs subvolume info, osd blocklist ls, mon metadata, osd df, osd df tree, osd dump, osd perf, osd pool ls, osd pool ls detail, osd pool stats, osd pool get, osd find, osd metadata, osd blocked-by, osd lspools, osd pool autoscale-status, osd safe-to-destroy, osd ok-to-stop, osd utilization, osd crush tree, osd crush rule ls, osd crush rule dump, osd crush dump, osd ls | prints the state of the cluster
        look pg stat, pg dump, pg ls, pg map, pg query, pg dump_stuck, pg ls-by-osd, pg ls-by-pool, mon stat, mon dump, mgr dump, mgr stat, mgr services, mgr module ls, mds stat, fs ls, fs status, fs dump, fs get, quorum_status, versions, features, report, time-sync-status, crash ls, crash info, crash stat, crash ls-new, device ls, device get-health-metrics, orch ls, orch ps, orch status, orch host ls, orch device ls, orch upgrade status, config dump, config get, config show, config log, config ls, log last, auth get, auth ls, auth list, fsid, node ls, balancer status, telemetry status, progress, insights, version, iostat, service dump, daemon perf dump, mon ok-to-stop | prints the state of the cluster
        change osd set | keeps the cluster from doing something | `ceph osd unset` the same
        change osd unset | lets the cluster do something again | `ceph osd set` the same
        change osd blocklist add, osd blocklist rm, nfs export create, auth import, auth rotate, osd pool set-quota, mon enable_stretch_mode, mon set_location, orch set, telemetry on, telemetry off, osd crush rule create-replicated, osd pool application enable, osd pool rename, osd in, osd out, osd reweight, osd crush reweight, osd pool set, osd pool create, osd set-full-ratio, osd set-nearfull-ratio, osd set-backfillfull-ratio, osd unset-group, osd set-group, config set, config rm, tell, pg repair, pg scrub, pg deep-scrub, osd scrub, osd deep-scrub, mgr module enable, mgr module disable, mgr fail, mds fail, orch restart, orch daemon restart, orch apply, orch upgrade start, orch upgrade pause, crash archive, crash archive-all, balancer on, balancer off, health mute, health unmute, osd down, mon add, auth add, auth caps, auth get-or-create, osd primary-affinity, osd require-osd-release, config-key set, orch host add, orch daemon stop, orch daemon start, device light, osd reweight-by-utilization, osd crush move, fs set, daemon | changes the cluster
        destructive osd rm, osd purge, osd destroy, osd lost, osd pool delete, osd pool rm, osd crush rm, osd crush remove, pg mark_unfound_lost, pg force_create_pg, mon remove, mon rm, auth del, auth rm, fs rm, fs fail, fs reset, mds rm, orch rm, orch daemon rm, orch host rm, orch osd rm, osd blacklist clear, crash rm, crash prune, device rm, config-key rm, pg force-recovery, osd force-create-pg | may lose what the cluster holds""",
    "rados": "look df, lspools, ls, stat, listomapkeys, listwatchers, getxattr, list-inconsistent-pg, list-inconsistent-obj | prints what a pool holds",
    "rbd": """
        look ls, list, info, du, status, showmapped, snap ls, lock ls, lock list, mirror pool status, mirror image status, watch, perf image iotop, perf image iostat, children, disk-usage, trash ls, device list | prints images""",
    "radosgw-admin": "look user list, user info, bucket list, bucket stats, sync status, usage show, zone get, zonegroup get, period get, gc list, quota get, realm list, log list, lc list, metadata list, data sync status | prints the state of the gateway",
    "rabbitmqctl": """
        look status, list_queues, list_connections, list_channels, list_consumers, list_exchanges, list_bindings, list_users, list_vhosts, list_policies, list_permissions, cluster_status, environment, report, node_health_check, ping, version, list_unresponsive_queues, list_parameters, list_user_permissions | prints the state of the broker
        change start_app, set_policy, set_permissions, set_vm_memory_high_watermark, set_disk_free_limit, add_user, add_vhost, set_user_tags, sync_queue, rotate_logs, set_parameter, join_cluster, change_password | changes the broker
        destructive stop_app, stop, shutdown, reset, force_reset, purge_queue, delete_queue, delete_user, delete_vhost, close_connection, close_all_connections, forget_cluster_node, clear_policy, force_boot | ends or loses something""",
    "rabbitmq-diagnostics": "look status, ping, check_running, check_local_alarms, check_alarms, check_port_connectivity, memory_breakdown, observer, runtime_thread_stats, cluster_status, environment, alarms, listeners, check_virtual_hosts, os_env, server_version, erlang_version, maybe_stuck, list_queues | prints the state of the broker",
    "rabbitmqadmin": "look list, show | prints what the broker holds",
    "rabbitmq-plugins": "look list, is_enabled, directories | prints plugins",
    "rabbitmq-queues": "look check_if_node_is_quorum_critical, quorum_status | prints the state of queues",
    "vault": """
        look status, read, list, kv get, kv list, kv metadata get, token lookup, token capabilities, secrets list, auth list, policy list, policy read, operator raft list-peers, audit list, version, operator members, operator key-status, lease lookup, print token, operator raft autopilot state, plugin list, path-help | prints what is stored
        change write, kv put, kv patch, login, token create, token renew, operator unseal, operator seal, operator step-down, operator rotate, auth enable, secrets enable, policy write, audit enable, lease renew, operator init, operator raft join, operator raft snapshot save, secrets tune, auth tune | changes what is stored, or who may
        destructive delete, kv delete, kv destroy, kv metadata delete, lease revoke, token revoke, secrets disable, auth disable, policy delete, operator raft remove-peer, audit disable, operator raft snapshot restore, kv undelete, operator rekey | may lose what is stored""",
    "consul": """
        look members, info, operator raft list-peers, catalog nodes, catalog services, catalog datacenters, kv get, kv export, monitor, version, operator autopilot get-config, intention list, intention check, rtt, operator autopilot state, acl token list, acl policy list, acl token read, config read, config list | prints the state of the cluster
        change kv put, reload, maint, join, services register, snapshot save, operator autopilot set-config, config write, event, acl bootstrap, intention create | changes the cluster
        destructive kv delete, force-leave, leave, services deregister, operator raft remove-peer, snapshot restore, config delete, acl token delete | may lose something""",
    "nomad": """
        look status, job status, node status, alloc status, server members, operator raft list-peers, deployment status, deployment list, eval status, alloc logs, version, job history, job plan, plan, job inspect, monitor, node-status, namespace list | prints the state of the cluster
        destructive stop, job stop, system gc, alloc stop, node drain, namespace delete, job deployments | ends something
        change job run, run, job restart, alloc restart, node eligibility, job revert, job scale, job dispatch, deployment promote | changes the cluster""",
    "nodetool": """
        look status, info, tpstats, cfstats, tablestats, ring, netstats, compactionstats, proxyhistograms, tablehistograms, describecluster, gossipinfo, version, gcstats, getcompactionthroughput, getstreamthroughput, statusgossip, statusbinary, statusthrift, getendpoints, getlogginglevels, failuredetector, toppartitions, describering, compactionhistory, listsnapshots, cfhistograms, getsstables, statushandoff, getmaxhintwindow, viewbuildstatus, statusbackup, rangekeysample | prints the state of the node
        destructive decommission, removenode, assassinate, clearsnapshot, truncatehints, cleanup, garbagecollect, stopdaemon, rebuild, scrub, import | may lose what the node holds
        change flush, compact, repair, drain, snapshot, disablegossip, enablegossip, disablebinary, enablebinary, setcompactionthroughput, setstreamthroughput, refresh, stop, upgradesstables, setlogginglevel, invalidatekeycache, invalidaterowcache, settraceprobability, disableautocompaction, enableautocompaction, pausehandoff, resumehandoff, bootstrap, move, relocatesstables | changes what the node does""",
    "mc": "look ls, tree, stat, du, admin info, cat, head, diff, admin trace, admin user list, admin policy list, ping, ready, version | prints what a store holds",
    "gluster": "look volume status, volume info, peer status, pool list, volume list, snapshot list, snapshot info | prints the state of the cluster",
    "influx": "look version, ping, bucket list, org list, user list | prints what is stored",
    "pulsar-admin": "look brokers list, clusters list, topics list, topics stats, namespaces list, tenants list | prints the state of the brokers",
    "rpk": "look cluster info, cluster health, topic list, topic describe, group list, group describe, cluster status, version | prints the state of the brokers",
    "nats": "look server info, server ls, stream ls, stream info, stream report, consumer ls, consumer info, account info, server report, server check, rtt | prints the state of the broker",
    "patronictl": """
        look list, topology, history, show-config, version, dsn | prints the state of the cluster
        change restart, reload, switchover, failover, pause, resume, edit-config, reinit, flush | changes the cluster
        destructive remove | removes a cluster""",
    "repmgr": "look cluster show, cluster crosscheck, cluster event, cluster matrix, node status, node check, daemon status, service status | prints the state of the cluster",
    "barman": "look list-server, list-servers, list-backup, list-backups, show-server, show-backup, check, status, list-files, replication-status | prints the state of backups",
    "pgbackrest": "look info, check, version, help | prints the state of backups",
    "wal-g": "look backup-list, st ls | prints backups",
    "cockroach": "look node status, node ls, version | prints the state of the cluster",
    "storcli": "look show | prints the state of disks",
}  # fmt: skip
WRITES: Final = {"ceph": writes("ceph", "-o", "--out-file"), "rados": writes("rados", "-o")}
VALUES: Final = (
    "--endpoints --cacert --cert --key --user --password -w --write-out --command-timeout --dial-timeout -n -p --node -h --host -u -pw "
    "--cluster -k --keyring -c --conf --id --name -m --format -f --pool --vhost --timeout --formatter -address -namespace -ca-cert -config "
    "-c --config-file -d --stanza --repo"
)
FLAGS: Final = "--insecure-skip-tls-verify --insecure-transport -q --quiet --silent --longnames -l --online --offline --debug --no-table-headers -tls-skip-verify"


def kafka_topics(call: Call) -> Effect:
    """Lists, makes or deletes topics."""
    return _kafka(call, ("--list", "--describe", "--version"), ("--delete",))


MADE_BY_READING: Final = re.compile(r"/(?:creds|static-creds|sts|issue|sign|code|secret-id)(?:/|$)")


def vault_read(call: Call) -> Effect:
    """Prints a secret; some engines make a new one for whoever asks."""
    if any(MADE_BY_READING.search(word.text) for word in call.arguments):
        return change("`vault read` makes credentials at this path.", "`vault lease revoke` their lease")
    return look("`vault read` prints what is stored.")


def kafka_groups(call: Call) -> Effect:
    """Lists groups, or sets where they read."""
    if call.has("--reset-offsets") and call.has("--dry-run") and not call.has("--execute"):
        return look(f"`{call.name} --dry-run` only says what it would set.")
    return _kafka(call, ("--list", "--describe", "--version"), ("--delete", "--reset-offsets", "--delete-offsets"))


def _kafka(call: Call, shows: tuple[str, ...], loses: tuple[str, ...]) -> Effect:
    if call.has(*loses) or call.has("--execute"):
        return destructive(f"`{call.name}` deletes, moves or skips what is stored.")
    if call.has(*shows) and not call.has("--alter", "--create", "--add-config", "--delete-config"):
        return look(f"`{call.name}` prints the state of the brokers.")
    return change(f"`{call.name}` changes the brokers.")


def kafka_reader(call: Call) -> Effect:
    """Prints messages; with a group it moves where that group reads."""
    if call.has("--group", "--consumer-property", "--consumer.config"):
        return change(f"`{call.name}` moves where a group reads.")
    return look(f"`{call.name}` prints messages.")


def kafka_prints(call: Call) -> Effect:
    """Prints the state of brokers."""
    return look(f"`{call.name}` prints the state of the brokers.")


def kafka_writer(call: Call) -> Effect:
    """Sends messages."""
    return change(f"`{call.name}` sends messages or changes the brokers.")


def zookeeper_shell(call: Call) -> Effect:
    """Asks ZooKeeper."""
    words = [word.text for word in call.arguments if not word.is_option]
    asked = next((word for word in words if word in {"ls", "get", "stat", "ls2", "getAcl", "version"}), None)
    if asked is not None and not {"delete", "rmr", "deleteall", "set", "create"} & set(words):
        return look(f"`{call.name}` prints what ZooKeeper holds.")
    return unknown(f"What `{call.name}` is to do is not known.")


def programs() -> dict[str, Judge]:
    """Returns the judges of these programs by name."""
    options = Options.of(VALUES, FLAGS)
    tables: dict[str, Judge] = {
        name: Table(name, entries(name, rows), options, worse=WRITES.get(name, {})) for name, rows in ROWS.items()
    }
    tables["vault"] = Table(
        "vault", entries("vault", ROWS["vault"]), options, worse=WRITES.get("vault", {}), special={"read": vault_read}
    )
    kafka: dict[str, Judge] = {
        "kafka-topics": kafka_topics, "kafka-configs": kafka_topics, "kafka-acls": kafka_topics, "kafka-consumer-groups": kafka_groups,
        "kafka-reassign-partitions": kafka_topics, "kafka-console-consumer": kafka_reader, "kafka-broker-api-versions": kafka_prints,
        "kafka-log-dirs": kafka_prints, "kafka-get-offsets": kafka_prints, "kafka-metadata-quorum": kafka_topics,
        "kafka-console-producer": kafka_writer, "kafka-delete-records": kafka_writer, "kafka-leader-election": kafka_writer,
        "kafka-preferred-replica-election": kafka_writer, "kafka-server-stop": kafka_writer, "kafka-server-start": kafka_writer,
    }  # fmt: skip
    return {
        **tables, **kafka, **{f"{name}.sh": judge for name, judge in kafka.items()}, "zookeeper-shell": zookeeper_shell,
        "zookeeper-shell.sh": zookeeper_shell, "zkCli.sh": zookeeper_shell,
    }  # fmt: skip
