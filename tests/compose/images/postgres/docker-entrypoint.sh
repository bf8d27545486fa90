#!/bin/sh
# What the official image's script does with the variables that docker/stack.yml sets, for a user who is not root.
set -eu
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
    mkdir -p "$PGDATA"
    chmod 0700 "$PGDATA"
    password=${POSTGRES_PASSWORD_FILE:?is missing}
    # shellcheck disable=SC2086 - the variable holds several words
    initdb --username="$POSTGRES_USER" --pwfile="$password" ${POSTGRES_INITDB_ARGS:-}
    # Meanwhile it listens on its unix socket only.
    pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p 5432" -w start
    psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres -c "CREATE DATABASE \"$POSTGRES_DB\""
    pg_ctl -D "$PGDATA" -m fast -w stop
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    echo "PostgreSQL init process complete; ready for start up."
fi
exec "$@"
