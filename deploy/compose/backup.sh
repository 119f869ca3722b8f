#!/bin/sh
# Writes a backup of the whole PostgreSQL to standard output, while it runs: both
# databases as they are at one moment.
#
#   docker compose exec -T postgres sh /setup/backup.sh > backup.tar.gz
set -eu

exec pg_basebackup --username postgres --no-password --pgdata - --format tar --wal-method fetch --gzip --checkpoint fast
