#!/bin/sh
# A RabbitMQ that belongs to nobody else, in the foreground: rabbitmq.sh FOLDER PORT DIST_PORT EPMD_PORT
#
# It listens on the loopback address alone, and keeps all that it has in FOLDER, which must be an absolute path. Started again with the same
# arguments, it has its durable queues again.
set -eu

export HOME="$1"
export RABBITMQ_NODE_IP_ADDRESS=127.0.0.1
export RABBITMQ_NODE_PORT="$2"
export RABBITMQ_DIST_PORT="$3"
export ERL_EPMD_PORT="$4"
export ERL_EPMD_ADDRESS=127.0.0.1
export RABBITMQ_NODENAME="queue-$2@localhost"
export RABBITMQ_MNESIA_BASE="$1/mnesia"
export RABBITMQ_LOG_BASE="$1/log"
export RABBITMQ_PID_FILE="$1/rabbitmq.pid"
export RABBITMQ_ENABLED_PLUGINS_FILE="$1/enabled_plugins"
export RABBITMQ_CONFIG_FILE="$1/rabbitmq"
export RABBITMQ_CONF_ENV_FILE=/dev/null
export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
# Its own shell then gives way to the broker.
export RUNNING_UNDER_SYSTEMD=1

mkdir -p "$1"
echo '[].' >"$1/enabled_plugins"

# The command on the path of Debian and its like changes the user; the one behind it does not.
server=/usr/lib/rabbitmq/bin/rabbitmq-server
if [ ! -x "$server" ]; then
    server=$(command -v rabbitmq-server)
fi
"$server" &
broker=$!
trap 'kill -TERM "$broker"' INT TERM
wait "$broker" || true
# A signal ends the first wait, and the broker the second.
wait "$broker" || true
# It leaves the daemon behind that knows its port.
epmd -kill >/dev/null 2>&1 || true
