"""One load by DuckDB's postgres extension; bench/peers/duckdb.ts says how it is set up and why."""

import json
import pathlib
import sys
import time

import duckdb
import duckdb_extension_httpfs
import duckdb_extension_postgres_scanner

task = json.load(sys.stdin)


def text(value):
    return "'" + value.replace("'", "''") + "'"


connection = duckdb.connect()
for package in (duckdb_extension_httpfs, duckdb_extension_postgres_scanner):
    (extension,) = pathlib.Path(package.__file__).parent.rglob("*.duckdb_extension")
    connection.execute(f"LOAD {text(str(extension))}")
scheme, host = task["endpoint"].split("://")
connection.execute(
    f"""CREATE SECRET (TYPE s3, KEY_ID {text(task["accessKeyId"])}, SECRET {text(task["secretAccessKey"])},
        REGION {text(task["region"])}, ENDPOINT {text(host)}, URL_STYLE 'path', USE_SSL {scheme == "https"})"""
)
connection.execute(f"ATTACH {text(task['warehouse'])} AS warehouse (TYPE postgres)")
columns = ", ".join('"' + name.replace('"', '""') + '"' for name in task["columns"])
objects = text(f"s3://{task['bucket']}/{task['prefix']}/**/*.parquet")
began = time.monotonic()
into = "INSERT INTO warehouse.{}" if task["exists"] else "CREATE TABLE warehouse.{} AS"
connection.execute(f"{into.format(task['table'])} SELECT {columns} FROM read_parquet({objects})")
seconds = time.monotonic() - began
print(json.dumps({"seconds": seconds}))
