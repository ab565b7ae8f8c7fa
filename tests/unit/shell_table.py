"""Commands and what each does, written down by reading them: the table that the reader of shell is held to."""

from __future__ import annotations

from typing import Final

LOOK: Final = r"""
git tag
bash --version
git branch -a
host example.com 10.0.0.2
kubectl get pods              ← the same as with -n default
host -t mx example.com
vault read secret/shop
docker buildx inspect mine
curl -s localhost:9200/_cat/indices
echo done → ok
echo problem >&2
kubectl get pods
kubectl -n shop get deploy web -o yaml
kubectl --context staging --namespace=shop get po -l app=web -o wide
kubectl get pods -A --field-selector=status.phase=Failed
kubectl get pods -o jsonpath='{.items[*].metadata.name}'
kubectl describe node <node-name>
kubectl logs -f deploy/web --since=1h
kubectl logs POD_NAME -n NAMESPACE --previous | grep -i oom
kubectl top pod --containers
kubectl rollout status deploy/web
kubectl rollout history deploy/web --revision=3
kubectl config current-context
kubectl auth can-i delete pods
kubectl get --raw /metrics
kubectl apply -f web.yaml --dry-run=client
kubectl delete pod web-0 --dry-run=server
kubectl diff -f web.yaml
kubectl port-forward svc/web 8080:80
kubectl exec web-0 -- ls -la /tmp
kubectl exec -it web-0 -c app -n shop -- cat /proc/1/status
kubectl -n db exec pg-0 -- psql -U app -c "SELECT count(*) FROM orders"
kubectl exec <pod> -- sh -c 'ps aux | sort -k4 -nr | head'
kubectl exec redis-0 -- redis-cli INFO memory
kubectl exec web-0 -- curl -s http://localhost:9100/metrics
kubectl get pods --no-headers | awk '{print $1}'
kubectl get pods | awk '$4 > 3 {print $1, $4}'
kubectl get po -o json | jq '.items[].metadata.name'
oc get clusterversion
oc adm top nodes
oc whoami
docker ps -a
docker logs --tail 100 web
docker stats --no-stream
docker inspect -f '{{.State.OOMKilled}}' web
docker exec web ps aux
docker exec -it -u root web cat /etc/hosts
docker exec web sh -c "du -sh /data/*"
docker container ls --all
docker system df -v
docker compose ps
docker compose -f a.yml -f b.yml logs -f web
docker-compose logs --tail=50 web
docker-compose exec -T web python -m json.tool
docker-compose exec web free -m
docker network ls
docker image ls --format '{{.Repository}}'
podman ps
crictl ps
crictl inspect <container-id>
nerdctl ps
helm list -A
helm -n shop status web
helm get values web
helm history web
helm template . -f values.yaml
systemctl status nginx
systemctl list-units --failed
systemctl is-active nginx
systemctl cat kubelet
journalctl -u nginx --since "1 hour ago" -f
journalctl -k -b | grep -i "out of memory"
redis-cli INFO memory
redis-cli -h cache.internal -p 6380 -a secret --no-auth-warning DBSIZE
redis-cli CONFIG GET maxmemory
redis-cli --bigkeys
redis-cli memory usage user:1
redis-cli -u redis://h:6379/2 --scan --pattern 'user:*'
redis-cli slowlog get 10
redis-cli CLIENT LIST | wc -l
echo "INFO" | redis-cli -h h
psql -c "SELECT * FROM pg_stat_activity"
psql -U app -d shop -Atc "select pid, state from pg_stat_activity where state <> 'idle'"
psql "$DATABASE_URL" -c '\dt+'
psql -l
psql -c "EXPLAIN SELECT * FROM a"
psql -c "WITH big AS (SELECT relname FROM pg_class) SELECT relname FROM big"
psql -c "SELECT pg_size_pretty(pg_database_size('shop'))"
mysql -e "SHOW PROCESSLIST"
mysql -h db -u root -psecret -e 'show engine innodb status\G'
mysql -uroot -p -e "SELECT table_name, data_length FROM information_schema.tables"
mysqladmin -u root processlist
clickhouse-client --query "SELECT count() FROM system.parts"
mongosh --eval "db.serverStatus().mem"
mongo --quiet --eval 'rs.status()'
curl http://localhost:8080/health
curl -sf -o /dev/null -w '%{http_code}' https://example.com/
curl -s "http://prometheus:9090/api/v1/query?query=up" | jq .
curl -G http://p:9090/api/v1/query --data-urlencode 'query=up{job="web"}'
curl -X GET -H "Authorization: Bearer $TOKEN" https://api.example.com/v1/things
curl -I https://example.com
curl -sSLk --max-time 5 $URL
curl -XGET 'localhost:9200/_cat/indices?v'
wget -qO- http://localhost/metrics
wget --spider http://localhost/
http GET :8080/health
http localhost:8080/health
git status
git log --oneline -5
git diff HEAD~1
git -C /srv/app show HEAD
aws ec2 describe-instances --instance-ids i-1
aws --profile prod s3 ls s3://bucket/
aws logs filter-log-events --log-group-name g
aws cloudwatch get-metric-statistics --metric-name CPU
gcloud compute instances list
gcloud container clusters describe c --zone z
gcloud logging read 'severity>=ERROR' --limit 10
az vm list -o table
az aks show -n c -g r
gsutil ls gs://bucket
etcdctl endpoint status -w table
etcdctl --endpoints=https://127.0.0.1:2379 --cacert ca.crt member list
etcdctl get / --prefix --keys-only
ceph -s
ceph health detail
ceph osd tree
ceph osd df tree
ps aux --sort=-%mem | head -20
ps -eo pid,rss,comm
top -b -n 1
free -h
df -h /var
du -sh /var/log/* | sort -rh | head
vmstat 1 5
iostat -x 1
uptime
cat /proc/meminfo
cat <<EOF
words
EOF
cat <<'EOF'
`rm x` $(rm y)
EOF
grep -r "ERROR" /var/log/app/ | wc -l
zgrep -c oom /var/log/syslog.1.gz
tail -n 100 -f /var/log/app.log
less /var/log/syslog
head -c 100 f
ls -la /var/log
lsof -p 1234 | wc -l
lsof +L1
ss -tlnp
netstat -an | grep ESTABLISHED | wc -l
dig +short example.com
nslookup example.com
ping -c 3 10.0.0.1
traceroute example.com
nc -zv db.internal 5432
echo ruok | nc localhost 2181
telnet db.internal 5432
openssl s_client -connect example.com:443
openssl x509 -in cert.pem -noout -dates
find /var/log -name '*.log' -size +100M
find / -xdev -type f -mtime -7 -exec ls -lh {} \;
find . -name '*.py' -exec grep -l import {} +
find /tmp -type f | xargs ls -l
find . -print0 | xargs -0 -n1 du -sh
sed -n '1,20p' f
sed 's/a/b/g' f
sed -e 's/^ *//' -e '/^$/d' f
awk -F: '{print $1}' /etc/passwd
awk '{s+=$1} END {print s}'
awk '$1 > 10 && $2 < 5' f
cut -d, -f1 f | sort | uniq -c | sort -rn
sort -t, -k2 f
jq -r '.a' f.json
yq '.spec.replicas' web.yaml
diff a b
wc -l < f
xargs -n1 echo
xargs -I{} kubectl describe pod {}
kill -0 1234
kill -l
nvidia-smi
nvidia-smi --query-gpu=memory.used,memory.total --format=csv -l 1
nvidia-smi -q -d MEMORY
nvidia-smi dmon -s mu
watch nvidia-smi
watch -n 1 'kubectl get pods | grep web'
watch -n5 -d free -m
sudo cat /var/log/messages
sudo -u postgres psql -c "SELECT 1"
sudo journalctl -u docker
timeout 10 curl -s http://localhost/
time ls
nohup tail -f /var/log/app.log
env FOO=bar printenv FOO
env
nice -n 10 du -sh /data
ssh web1 uptime
ssh -i key.pem ops@web1 'df -h; free -m'
ssh -p 2222 host "sudo systemctl status nginx"
bash -c 'ls | wc -l'
sh -c "kubectl get pods"
python -c "import json,sys; print(json.load(sys.stdin)['a'])"
python3 -c 'import torch; print(torch.cuda.memory_summary())'
python -m json.tool
cat f | python3 -m json.tool
py-spy dump --pid 12
py-spy top --pid 12
jstack 12
jcmd 12 GC.heap_info
jmap -histo 12
jstat -gcutil 12 1000
promtool check rules alerts.yml
promtool query instant http://localhost:9090 'up'
amtool alert query --alertmanager.url=http://localhost:9093
amtool silence query
pip list
pip show requests
npm ls
terraform plan
terraform state list
vault status
vault kv get secret/app
consul members
rabbitmqctl list_queues name messages
kafka-topics.sh --bootstrap-server b:9092 --describe --topic t
kafka-consumer-groups --bootstrap-server b:9092 --describe --group g
/opt/kafka/bin/kafka-topics.sh --list --zookeeper z:2181
nodetool status
nginx -t
iptables -L -n -v
sysctl vm.swappiness
sysctl -a | grep vm
ip addr show
ip a
ip route
mount | grep data
lsblk -f
smartctl -a /dev/sda
dmesg -T | grep -i oom
date -u +%s
date -d '1 hour ago'
tar -tzf backup.tgz
rsync -avn src/ dst/
tcpdump -i eth0 -c 10 port 80
strace -p 12 -e trace=open
crontab -l
cd /srv/app
export KUBECONFIG=~/.kube/staging
POD=$(kubectl get pods -o name | head -1)
for p in $(kubectl get pods -o name); do kubectl logs $p; done
while true; do date; sleep 1; done
if [ -f /tmp/x ]; then cat /tmp/x; fi
kubectl get pods -o name | while read -r p; do kubectl describe $p; done
[ -d /data ] && ls /data
ls 2>/dev/null
ls > /dev/null 2>&1
curl -s localhost:8080 2>&1 | tee /dev/null
diff <(kubectl get cm a -o yaml) <(kubectl get cm b -o yaml)
echo "$(uptime)"
printf '%s\n' a b
which kubectl && kubectl version
command -v jq
set -euo pipefail
true
sleep 30
ansible all -m ping
ansible-playbook site.yml --check
dpkg -l | grep nginx
rpm -qa | grep kernel
apt list --installed
logrotate -d /etc/logrotate.conf
supervisorctl status
gh run list
argocd app get web
istioctl proxy-status
velero backup get
"""

CHANGE: Final = r"""
echo done >&4
git tag -a
git tag -a v1
git fsck --lost-found
argocd app get shop --hard-refresh
bg %1
fg
disown -h %1
docker run shop:15          → it starts with no data
docker buildx inspect --bootstrap
vault read database/creds/reader
kubectl apply -f web.yaml
kubectl create -f web.yaml
kubectl edit deploy web
kubectl patch deploy web -p '{"spec":{"replicas":3}}'
kubectl scale deploy web --replicas=5
kubectl -n shop rollout restart deploy/web
kubectl rollout undo deploy/web
kubectl set image deploy/web web=web:2
kubectl label node n1 disk=ssd
kubectl annotate po web-0 a=b
kubectl cordon n1
kubectl uncordon n1
kubectl taint nodes n1 key=value:NoSchedule
kubectl cp web-0:/tmp/heap ./heap
kubectl config use-context staging
kubectl run tmp --rm -it --image=busybox -- ls
kubectl debug node/n1 -it --image=busybox
kubectl apply -f web.yaml --dry-run=none
cat <<EOF | kubectl apply -f -
kind: Pod
EOF
kubectl get deploy web -o yaml > web.yaml
kubectl get po -o yaml >> all.yaml
kubectl exec web-0 -- touch /tmp/x
kubectl exec web-0 -- sh -c 'echo 1 > /tmp/x'
oc adm cordon n1
docker restart web
docker start web
docker stop web
docker pull nginx:1.27
docker run --rm -it alpine sh
docker update --memory 2g web
docker cp web:/data/x .
docker exec web mkdir /tmp/y
docker compose up -d web
docker compose restart web
docker-compose restart web
docker-compose -f x.yml stop web
helm upgrade web ./chart --set a=b
helm rollback web 3
systemctl restart nginx
sudo systemctl reload nginx
systemctl stop nginx && systemctl start nginx
service nginx restart
redis-cli CONFIG SET maxmemory 2gb
redis-cli MEMORY PURGE
redis-cli SET a b
redis-cli BGSAVE
psql -c "VACUUM ANALYZE orders"
psql -c "CREATE INDEX i ON t (a)"
psql -c "INSERT INTO t VALUES (1)"
psql -c "ALTER SYSTEM SET work_mem = '64MB'"
mysql -e "SET GLOBAL max_connections = 500"
pg_dump shop > shop.sql
curl -X POST http://localhost:9090/-/reload
curl -X PUT -d @body.json http://localhost/x
curl -d '{"a":1}' http://localhost/x
curl --json '{"a":1}' http://localhost/x
curl -O https://example.com/x.tgz
curl -o heap.out http://localhost:6060/debug/pprof/heap
curl -s http://localhost/x > x.json
wget https://example.com/x.tgz
http POST :8080/x a=b
http :8080/x a=b
git pull
git checkout main
git checkout -b fix origin/main
git restore --staged values.yaml
git commit -m x
aws ec2 reboot-instances --instance-ids i-1
aws autoscaling set-desired-capacity --auto-scaling-group-name g --desired-capacity 3
aws s3 cp f s3://b/f
gcloud compute instances start i
az vm restart -n v -g g
etcdctl put a b
etcdctl snapshot save s.db
ceph osd set noout
sed -i 's/a/b/' f
sed -i.bak 's/a/b/' f
sed -ni '1p' f
yq -i '.a = 1' f.yaml
awk '{print > "out.txt"}' f
sort -o f f
tee /etc/app.conf
echo 3 | sudo tee /proc/sys/vm/drop_caches
echo 1 > /proc/sys/vm/overcommit_memory
sysctl -w vm.swappiness=10
sudo sysctl vm.drop_caches=3
cp a b
mv a b
mkdir -p /tmp/x
touch /tmp/x
chmod 600 f
chown app f
ln -s a b
tar -czf logs.tgz /var/log/app
tar -xzf x.tgz
gzip /var/log/app.log
unzip x.zip
rsync -av a/ b/
scp f host:/tmp/
ssh web1 'sudo systemctl restart nginx'
ssh web1 <<EOF
systemctl restart app
EOF
ssh -N -L 8080:localhost:80 host
bash -c 'touch x'
watch 'touch x'
for i in 1 2; do touch $i; done
ls && touch x
ls | tee out.txt
echo a > f
echo a >> f
echo a &> f
ls >| f
cat a b > c
find . -name '*.log' -exec gzip {} \;
find . -fprint out.txt
find . | xargs touch
pip install x
npm install
apt-get update
yum install -y x
terraform apply
ansible-playbook site.yml
vault kv put secret/a b=c
rabbitmqctl set_policy p ".*" '{}'
nginx -s reload
iptables -A INPUT -p tcp --dport 80 -j DROP
ip link set eth0 down
mount /dev/sdb1 /mnt
umount /mnt
kill 1234
kill -HUP 1234
kill -USR1 $PID
renice 10 -p 1
journalctl --rotate
crontab -e
vim /etc/hosts
logrotate -f /etc/logrotate.conf
py-spy record -o p.svg --pid 1
jmap -dump:live,format=b,file=h.hprof 1
tcpdump -w x.pcap
strace -o f ls
nvidia-smi -pl 200
date -s '2020-01-01'
hostname newname
export PATH=/tmp:$PATH
PATH=/tmp
read NAME
read PATH
printf -v PATH %s /tmp
alias ll='ls -l'
ulimit -n 65536
crictl stop c
locust -f x.py
uniq a b
amtool silence add alertname=x -d 1h
"""

DESTRUCTIVE: Final = r"""
kubectl delete pod web-0
kubectl -n shop delete po -l app=web
kubectl get pods -o name | xargs kubectl delete
kubectl get po --no-headers | awk '{print $1}' | xargs -n1 kubectl delete po
kubectl drain n1 --ignore-daemonsets
kubectl replace --force -f x.yaml
kubectl scale deploy web --replicas=0
kubectl exec web-0 -- rm -rf /tmp/cache
kubectl exec -it redis-0 -- redis-cli FLUSHDB
kubectl exec pg-0 -- psql -c "DELETE FROM sessions"
kubectl delete pod $(kubectl get po -o name | head -1)
for p in $(kubectl get po -o name); do kubectl delete $p; done
kubectl get po -o name | while read p; do kubectl delete $p; done
oc delete project x
oc adm drain n1
docker rm -f web
docker kill web
docker rmi x
docker system prune -af
docker volume rm v
docker image prune
docker rm $(docker ps -aq)
docker exec web rm /tmp/x
docker exec web sh -c 'rm -rf /data/*'
docker compose down -v
docker-compose rm -f web
helm uninstall web
systemctl kill nginx
redis-cli FLUSHALL
redis-cli FLUSHDB
redis-cli -h h DEL a
redis-cli --scan --pattern 'a:*' | xargs redis-cli DEL
redis-cli -n 3 flushdb async
echo FLUSHALL | redis-cli
redis-cli <<EOF
INFO
FLUSHALL
EOF
psql -c "DELETE FROM t"
psql -c "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
psql -c "SELECT 1; DROP TABLE t"
psql <<EOF
select 1;
truncate t;
EOF
psql -c "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d"
psql -c "EXPLAIN ANALYZE DELETE FROM t"
mysql -e "KILL 12"
mysql -e "DROP DATABASE x"
mysqladmin shutdown
mongosh --eval "db.a.drop()"
curl -X DELETE http://localhost:9200/logs
curl -XDELETE localhost:9200/logs
curl -sX DELETE localhost/x
http DELETE :8080/x
aws ec2 terminate-instances --instance-ids i-1
aws s3 rm s3://b/f
aws s3 sync a s3://b --delete
gcloud compute instances delete i
az group delete -n g
gsutil rm gs://b/f
etcdctl del a
etcdctl defrag
ceph osd purge 3
rm f
rm -rf /var/log/*
sudo rm -f /var/log/a.log
/bin/rm f
\rm f
find /tmp -mtime +7 -delete
find /tmp -type f -exec rm {} \;
find /tmp | xargs rm
find /tmp -print0 | xargs -0 rm -f
truncate -s 0 /var/log/a.log
> /var/log/a.log
: > /var/log/a.log
dd if=/dev/zero of=/dev/sda
mkfs.ext4 /dev/sdb
kill -9 1234
kill -KILL 1234
kill $(pgrep python)
kill `cat /run/app.pid`
pkill -f gunicorn
killall python
fuser -k 8080/tcp
reboot
shutdown -h now
journalctl --vacuum-size=100M
git reset --hard
git checkout HEAD~1 -- values.yaml
git checkout HEAD~1 values.yaml
git checkout .
git restore values.yaml
git clean -fd
crontab -r
pip uninstall x
apt-get remove x
terraform destroy
vault delete secret/a
rabbitmqctl purge_queue q
kafka-topics.sh --delete --topic t
kafka-consumer-groups.sh --reset-offsets --to-latest --execute --group g
iptables -F
nvidia-smi --gpu-reset -i 0
ssh web1 rm -rf /tmp/x
ssh web1 'docker system prune -f'
ssh web1 <<'EOF'
df -h
rm -rf /tmp/x
EOF
bash -c 'rm x'
sudo bash -c "rm -rf /var/cache/*"
env FOO=1 rm x
env -S "rm -f x"
timeout 5 rm x
nohup rm x &
time rm x
watch rm x
watch 'ls; rm x'
xargs rm < list
ls | xargs -I{} sh -c 'rm {}'
eval "rm x"
echo $(rm x)
ls `rm x`
ls "$(rm x)"
diff <(rm a) b
ls | rm x
ls; rm x
ls && rm x || true
(cd /tmp; rm x)
if true; then rm x; fi
f() { rm x; }
case $x in a) rm b;; esac
until false; do rm x; done
! rm x
cat <<EOF
$(rm x)
EOF
trap 'rm -f /tmp/x' EXIT
sh <<EOF
rm x
EOF
echo "rm x" | sh
bash <<< 'rm x'
docker exec -i web sh <<EOF
rm -rf /data
EOF
ssh h 'ssh i "rm x"'
kubectl exec p -- bash -lc "find /tmp -delete"
nsenter -t 1 -m -- rm x
chroot /host rm x
exec rm x
command rm x
busybox rm x
rsync -a --delete a/ b/
echo "${x:=`rm y`}"
echo ${x/`rm y`/b}
cat <<EOF
a `rm x` b
EOF
"""

UNKNOWN: Final = r"""
git grep -O needle
reset --hard
host replication follower 10.0.0.0/8 md5
dir = "/srv/data"
view === "list"
git status  →  git add .  →  git push
caller ── plan ──▶ worker
curl "localhost:9200/_refresh?pretty"
curl -X GET localhost:9200/shop/_flush
frobnicate --all
./deploy.sh
/srv/app/run.sh --now
bash script.sh
sh
ssh web1
kubectl exec -it web-0 -- bash
docker exec -it web sh
curl https://example.com/install.sh | sh
wget -qO- https://example.com/x | bash
curl --frobnicate http://localhost/
curl -K options http://localhost/
curl $CURL_OPTS http://localhost/
curl -X $METHOD http://localhost/
curl http://localhost:8080/shutdown
kubectl frobnicate
kubectl $VERB pods
kubectl <verb> pods
$CMD
"$@"
source env.sh
. ./env.sh
eval "$CMD"
make deploy
python manage.py clear_cache
python app.py
python -c "import os; os.remove('x')"
python -c "import shutil; shutil.rmtree('/tmp/x')"
python -c "__import__('os').system('ls')"
python -c "print(undefined_function_of_mine())"
perl -e 'unlink "x"'
node -e 'console.log(1)'
find . -frobnicate
find . $ARGS
docker frobnicate
redis-cli EVAL "return 1" 0
redis-cli
psql
psql -f x.sql
psql < x.sql
psql -c "SELECT my_function()"
mysql shop < dump.sql
mongosh
cat cmds | redis-cli
xargs -I{} sh -c '{}'
awk 'BEGIN { system("rm x") }'
awk '{print | "sh"}' f
sed 's/a/b/e' f
sed 'w out' f
sed -f script f
ls; frobnicate
frobnicate | grep x
echo "rm $x" | sh
PATH=/tmp/evil ls; frobnicate
aws frobnicate wobble
etcdctl watch a -- rm x
python -c "import numpy; numpy.load('x', allow_pickle=True)"
"""


def commands(text: str) -> list[str]:
    """Returns the commands of a table; a here-document and what stands in it are one."""
    found: list[str] = []
    end: str | None = None
    for line in text.strip("\n").splitlines():
        if end is None:
            found.append(line)
            mark = line.partition("<<")[2].lstrip("-").strip() if "<<" in line and "<<<" not in line else ""
            end = mark.split()[0].strip("'\"") if mark else None
        else:
            found[-1] += f"\n{line}"
            end = None if line == end else end
    return found
