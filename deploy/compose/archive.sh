#!/bin/sh
# Puts a file of PostgreSQL's log, packed, into /archive. PostgreSQL calls it by
# archive_command for each: sh /setup/archive.sh %p %f. See docs/backup.md.
set -eu

kept="${ARCHIVE:-/archive}/$2.gz"
# Without the time, so that the same file is packed into the same bytes.
gzip --no-name < "$1" > "$kept.part"
sync "$kept.part"
# After a crash PostgreSQL brings a file again. Another one of the same name is that
# of another server, or of this one restored without RESTORE_TO: it would spoil both.
if [ -e "$kept" ] && ! cmp -s "$kept.part" "$kept"; then
  rm -f "$kept.part"
  echo "归档中已有另一个同名文件 $kept。 Another file is in the archive by the name of $kept." >&2
  exit 1
fi
mv "$kept.part" "$kept"
