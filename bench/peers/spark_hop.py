"""One hop by Spark; bench/peers/spark.ts says how it is set up and why."""

import json
import sys
import time

from pyspark.sql import SparkSession

task = json.load(sys.stdin)
BATCH_ROWS = 20_000
WARM_ROWS = 1_000

builder = SparkSession.builder.master("local[*]").appName("bench")
for name, value in {
    "spark.ui.enabled": "false",
    "spark.driver.memory": "2g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.session.timeZone": "UTC",
    "spark.local.dir": task["folder"],
    "spark.hadoop.fs.s3a.endpoint": task["endpoint"],
    "spark.hadoop.fs.s3a.endpoint.region": task["region"],
    "spark.hadoop.fs.s3a.access.key": task["accessKeyId"],
    "spark.hadoop.fs.s3a.secret.key": task["secretAccessKey"],
    "spark.hadoop.fs.s3a.path.style.access": "true",
}.items():
    builder = builder.config(name, value)
spark = builder.getOrCreate()


def jdbc(database, **options):
    return {"url": database["url"], "user": database["user"], "password": database["password"], **options}


def brokers():
    return {"kafka.bootstrap.servers": ",".join(task["brokers"])}


def replay():
    def read(upper):
        ranges = {"partitionColumn": task["key"], "lowerBound": task["lower"], "upperBound": upper, "numPartitions": 4}
        source = jdbc(task["source"], dbtable=task["table"], fetchsize=BATCH_ROWS, **ranges)
        return spark.read.format("jdbc").options(**source).load()

    def write(rows, topic):
        value = "to_json(struct(*), map('ignoreNullFields', 'false')) AS value"
        messages = rows.selectExpr(f"CAST({task['key']} AS STRING) AS key", value)
        producer = {
            "kafka.acks": "all",
            "kafka.compression.type": "lz4",
            "kafka.batch.size": 262144,
            "kafka.linger.ms": 5,
            "kafka.buffer.memory": 67108864,
        }
        messages.write.format("kafka").options(**brokers(), **producer, topic=topic).save()

    write(read(task["upper"]).limit(WARM_ROWS), task["warmTopic"])
    return lambda: write(read(task["upper"]), task["topic"])


def land():
    source = {
        **brokers(),
        "subscribe": task["topic"],
        "startingOffsets": "earliest",
        "kafka.isolation.level": "read_committed",
        "kafka.max.poll.records": BATCH_ROWS,
        "kafka.max.partition.fetch.bytes": 16777216,
    }

    def rows(messages):
        return messages.selectExpr(f"from_json(CAST(value AS STRING), '{task['schema']}') AS row").select("row.*")

    def stream():
        query = rows(spark.readStream.format("kafka").options(**source).load()).writeStream.format("parquet")
        query = query.option("path", task["to"]).option("checkpointLocation", f"{task['folder']}/checkpoint")
        query.trigger(availableNow=True).start().awaitTermination()

    rows(spark.read.format("kafka").options(**source).load()).limit(WARM_ROWS).write.parquet(task["warmTo"])
    return stream


def load():
    objects = spark.read.option("recursiveFileLookup", "true").option("pathGlobFilter", "*.parquet")
    rows = objects.parquet(task["from"]).select(*task["columns"])

    def write(frame, table):
        to = jdbc(task["warehouse"], dbtable=table, batchsize=BATCH_ROWS, reWriteBatchedInserts="true")
        frame.write.format("jdbc").options(**to).mode("errorifexists").save()

    write(rows.limit(WARM_ROWS), task["warmTable"])
    return lambda: write(rows, task["toTable"])


measured = {"replay": replay, "land": land, "load": load}[task["hop"]]()
began = time.monotonic()
measured()
seconds = time.monotonic() - began
spark.stop()
print(json.dumps({"seconds": seconds}))
