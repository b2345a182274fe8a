"""Makes the Iceberg table if it is not there, and counts its rows; bench/peers/iceberg.ts says what for."""

import json
import sys

from parquet_rows import count
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.schema import Schema
from pyiceberg.types import DecimalType, IntegerType, LongType, NestedField, StringType, TimestamptzType

task = json.load(sys.stdin)
COLUMNS = {
    "transaction_id": LongType(),
    "product_name": StringType(),
    "product_category": StringType(),
    "brand": StringType(),
    "quantity_sold": IntegerType(),
    "price_per_unit": DecimalType(12, 2),
    "transaction_date": TimestamptzType(),
}
fields = [NestedField(id, name, kind, required=False) for id, (name, kind) in enumerate(COLUMNS.items(), start=1)]
catalog = SqlCatalog(
    "iceberg",
    uri=task["warehouse"].replace("postgres://", "postgresql+psycopg2://"),
    warehouse=task["lake"],
    **{
        "s3.endpoint": task["endpoint"],
        "s3.region": task["region"],
        "s3.access-key-id": task["accessKeyId"],
        "s3.secret-access-key": task["secretAccessKey"],
    },
)
catalog.create_namespace_if_not_exists("bench")
properties = {"write.parquet.compression-codec": "snappy"}
table = catalog.create_table_if_not_exists("bench.product_sales", schema=Schema(*fields), properties=properties)
# Of the snapshot's objects, read from their own footers: what a worker left behind in a rebalance is none of them.
objects = [each.file.file_path.removeprefix("s3://") for each in table.scan().plan_files()]
print(json.dumps({"rows": count(task, objects)}))
