"""One load by dlt; bench/peers/dlt.ts says how it is set up and why."""

import json
import os
import sys
import time

task = json.load(sys.stdin)
os.environ.update(
    {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID": "false",
        # As large as Headrace's cuts: several files, so that dlt loads them side by side.
        "DATA_WRITER__FILE_MAX_ITEMS": "100000",
    }
)

import dlt  # noqa: E402
from dlt.destinations import postgres  # noqa: E402
from dlt.sources.credentials import AwsCredentials  # noqa: E402
from dlt.sources.filesystem import filesystem, read_parquet  # noqa: E402

BATCH_ROWS = 100_000

files = filesystem(
    bucket_url=f"s3://{task['bucket']}/{task['prefix']}",
    file_glob="**/*.parquet",
    credentials=AwsCredentials(
        aws_access_key_id=task["accessKeyId"],
        aws_secret_access_key=task["secretAccessKey"],
        endpoint_url=task["endpoint"],
        region_name=task["region"],
    ),
)
rows = (files | read_parquet(chunksize=BATCH_ROWS, use_pyarrow=True)).with_name("product_sales")
rows.add_map(lambda batch: batch.select(task["columns"]))
pipeline = dlt.pipeline(
    pipeline_name="bench",
    pipelines_dir=task["folder"],
    destination=postgres(task["warehouse"]),
    dataset_name=task["dataset"],
)
disposition = {"disposition": "merge", "strategy": "upsert"} if task["key"] else "append"
began = time.monotonic()
info = pipeline.run(
    rows, loader_file_format="parquet", write_disposition=disposition, primary_key=task["key"] or None
)
seconds = time.monotonic() - began
info.raise_on_failed_jobs()
print(json.dumps({"seconds": seconds}))
