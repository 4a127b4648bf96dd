#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the `nats` command does with a server that has no $SYS services: commands that need them end
# at once with an error; a message can be traced.
set -eu
for command in "server info" "server list" "server ping" "server report connections" \
               "server request variables" "stream ls"; do
    code=0
    timeout 10 nats $command >/dev/null 2>&1 || code=$?
    test "$code" -eq 1 || { echo "nats $command: exit code $code"; exit 1; }
done
code=0
timeout 10 nats server check jetstream >/dev/null 2>&1 || code=$?
test "$code" -eq 2
nats account info >/dev/null
nats trace some.subject 2>&1 | grep -q "No active interest"
