"""Rows of Parquet objects by their own footers: the count at the far end of the peers of `land`."""

from pyarrow import dataset, fs


def store(task):
    scheme, host = task["endpoint"].split("://")
    return fs.S3FileSystem(
        access_key=task["accessKeyId"],
        secret_key=task["secretAccessKey"],
        region=task["region"],
        scheme=scheme,
        endpoint_override=host,
    )


def count(task, objects):
    """objects: bucket/key"""
    return dataset.dataset(objects, filesystem=store(task)).count_rows() if objects else 0
