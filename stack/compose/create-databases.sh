#!/bin/sh
# Run once by the postgres image on an empty data folder: the databases sales, warehouse and control, each owned by a
# role of its own that may connect to no other. The same as stack/services/postgres-databases.ts makes without Docker.
set -eu

create() {
  psql --quiet --no-psqlrc -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    -v name="$1" -v password="$2" <<'SQL'
create role :"name" login password :'password';
create database :"name" owner :"name";
revoke connect, temporary on database :"name" from public;
SQL
}

create sales "$HEADRACE_SALES_PASSWORD"
create warehouse "$HEADRACE_WAREHOUSE_PASSWORD"
create control "$HEADRACE_CONTROL_PASSWORD"
