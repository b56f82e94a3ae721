#!/bin/sh
# A whole deployment by hand, on one machine, in the order in which things depend on each other: keys,
# cloud, gateway, node, package. deploy/README.md explains each step; a test runs this file.
#
#   deploy/walkthrough.sh BIN FOLDER     programs in BIN, everything else in the new FOLDER
set -eu
bin=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
mkdir "$2"
cd "$2"
PATH=$bin:$PATH
pids=""
trap 'kill $pids 2>/dev/null; wait' EXIT INT TERM

# hex FILE.pub: the public key as configuration files want it.
hex() { trib key show "$1" --json | sed -n 's/.*"public_key": "\(.*\)".*/\1/p'; }
wait_for() { until [ -s "$1" ]; do kill -0 $pids && sleep 0.1; done; }

# 1. Keys: each made where it lives; only the .pub files travel.
for name in operator cloud gateway node-1 package; do trib key new -o "$name.key" --comment "$name"; done

# 2. The cloud lets this operator in.
sed -e "s|^#operators = .*|operators = [\"$(hex operator.key.pub)\"]|" \
  -e 's|^#ready_file = .*|ready_file = "cloud.ready"|' \
  -e 's|^#bind = .*|bind = "tcp://127.0.0.1:*"|' "$here/cloud.toml" >cloud.toml
trib-cloud --config cloud.toml --check-config
trib-cloud --config cloud.toml 2>cloud.log &
pids="$pids $!"
wait_for cloud.ready
south() { sed -n 's/.*"south": *"\([^"]*\)".*/\1/p' "$1"; }
admin() { sed -n 's/.*"admin": *"\([^"]*\)".*/\1/p' "$1"; }
cloud="--server $(admin cloud.ready) --server-key cloud.key.pub --operator-key operator.key"

# 3. The gateway: enrol, accept, start.
trib $cloud enroll --kind gateway --id 1001 --key gateway.key.pub --name "hall 3"
trib $cloud accept 1001
sed -e "s|^cloud_key = .*|cloud_key = \"$(hex cloud.key.pub)\"|" \
  -e "s|^endpoint = .*|endpoint = \"$(south cloud.ready)\"|" \
  -e "s|^#operators = .*|operators = [\"$(hex operator.key.pub)\"]|" \
  -e 's|^#ready_file = .*|ready_file = "gateway.ready"|' \
  -e 's|^#bind = .*|bind = "tcp://127.0.0.1:*"|' "$here/gateway.toml" >gateway.toml
trib-gateway --config gateway.toml 2>gateway.log &
pids="$pids $!"
wait_for gateway.ready

# 4. The node, bound to that gateway.
trib $cloud enroll --id 1 --key node-1.key.pub --gateway 1001 --name "pump 1"
trib $cloud accept 1

# 5. A package: built by whoever has the data, signed by whoever has the key.
trib package build "$here/../workloads/bearing/package.toml" -o bearing.unsigned.trib
trib package sign bearing.unsigned.trib --key package.key -o bearing.trib
trib package verify bearing.trib --key package.key.pub

# 6. The node runs: here a made-up machine that gets a bearing fault after half a minute.
trib-node --id 1 --key node-1.key --state node-1.state \
  --gateway "$(south gateway.ready)" --gateway-key gateway.key.pub \
  --package bearing.trib --package-key package.key.pub \
  --generate 1 --phases normal:30,fault:10 --time-scale 20 --exit-when-done --drain-timeout 120 \
  2>node-1.log

# 7. What arrived.
trib $cloud --labels bearing.trib fleet list
trib $cloud --labels bearing.trib event tail --limit 10
trib $cloud stats
trib $cloud doctor
