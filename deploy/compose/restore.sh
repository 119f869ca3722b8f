#!/bin/sh
# Puts a backup of backup.sh, from standard input, in the place of the data. All
# else has to be stopped. One that is damaged is refused before anything is
# removed.
#
#   docker compose run --rm --no-deps -T --entrypoint sh postgres /setup/restore.sh < backup.tar.gz
#
# With RESTORE_TO, a time or `latest`, PostgreSQL goes on from the backup to there by
# the archive of its log when it is started next; see docs/backup.md.
set -eu

: "${PGDATA:?}"
# A server in another container shows by its socket alone, not by its process. 1
# is one that is there and takes no connections yet.
if pg_ctl status --pgdata "$PGDATA" >/dev/null 2>&1 || pg_isready --quiet || [ $? -eq 1 ]; then
  echo 'PostgreSQL 还在运行，请先停止。 PostgreSQL still runs, stop it first.' >&2
  exit 1
fi

# find gives up where it can't go back to, such as root's folder.
cd "$PGDATA"
new="$PGDATA/restored"
rm -rf "$new"
mkdir -p "$new"
chmod 700 "$PGDATA" "$new"
if ! tar --extract --gzip --directory "$new" || ! pg_verifybackup --quiet "$new"; then
  rm -rf "$new"
  echo '备份已损坏，未作任何改动。 The backup is damaged; nothing was changed.' >&2
  exit 1
fi
find "$PGDATA" -mindepth 1 -maxdepth 1 ! -name restored -exec rm -rf {} +
find "$new" -mindepth 1 -maxdepth 1 -exec mv {} "$PGDATA/" \;
rmdir "$new"
if [ -n "${RESTORE_TO:-}" ]; then
  touch "$PGDATA/recovery.signal"
  # Nobody is let in before the end: a server that can be read but not written to
  # would look ready to those who wait for it.
  cat >> "$PGDATA/postgresql.auto.conf" <<CONF
restore_command = 'gzip -dc "${ARCHIVE:-/archive}/%f.gz" > "%p"'
recovery_target_action = 'promote'
hot_standby = off
CONF
  if [ "$RESTORE_TO" = latest ]; then time=; else time=$RESTORE_TO; fi
  echo "recovery_target_time = '$time'" >> "$PGDATA/postgresql.auto.conf"
fi
echo '已恢复。 Restored.'
