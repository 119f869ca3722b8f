#!/bin/sh
# Makes Temporal's role and its two databases, as the superuser, over the socket
# (PGHOST). The role owns the two, may do nothing else, and may not even connect
# to another. Run again, it changes nothing but the password, if that is another.
set -eu

: "${POSTGRES_PWD:?}"

psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname postgres <<'SQL'
\getenv password POSTGRES_PWD
SELECT 'CREATE ROLE temporal' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'temporal') \gexec
ALTER ROLE temporal LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER temporal', name)
  FROM unnest(ARRAY['temporal', 'temporal_visibility']) AS name
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name) \gexec
REVOKE ALL ON DATABASE temporal, temporal_visibility, postgres, template1 FROM PUBLIC;
SQL
echo '数据库已就绪。 The databases are ready.'
