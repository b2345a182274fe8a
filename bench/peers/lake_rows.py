"""Counts the rows of the Parquet objects below a prefix; bench/peers/lake-rows.ts says what for."""

import json
import sys

from parquet_rows import count, store
from pyarrow.fs import FileSelector

task = json.load(sys.stdin)
found = store(task).get_file_info(FileSelector(f"{task['bucket']}/{task['prefix']}", recursive=True))
print(json.dumps({"rows": count(task, [info.path for info in found if info.path.endswith(".parquet")])}))
