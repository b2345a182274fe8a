#!/bin/sh
# Run once by the mariadb image on an empty data folder: the databases sales and warehouse, each with a user of its own, and
# the administrator of the tests. The same as stack/services/mariadb.ts makes without Docker.
set -eu

mariadb --user=root --password="$MARIADB_ROOT_PASSWORD" <<SQL
CREATE USER 'headrace_admin'@'%' IDENTIFIED BY '$HEADRACE_MARIADB_ADMIN_PASSWORD';
GRANT ALL ON *.* TO 'headrace_admin'@'%' WITH GRANT OPTION;
CREATE DATABASE sales;
CREATE USER 'sales'@'%' IDENTIFIED BY '$HEADRACE_MARIADB_SALES_PASSWORD';
GRANT ALL ON sales.* TO 'sales'@'%';
CREATE DATABASE warehouse;
CREATE USER 'warehouse'@'%' IDENTIFIED BY '$HEADRACE_MARIADB_WAREHOUSE_PASSWORD';
GRANT ALL ON warehouse.* TO 'warehouse'@'%';
GRANT ALL ON headrace.* TO 'warehouse'@'%';
SQL
