"""Reads Parquet files.

Belongs here: reading them batch by batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from si_analytics.load.options import Options
from si_analytics.load.target import refusal

_BATCH_ROWS = 20_000


class ParquetFile:
    """One Parquet file."""

    def __init__(self, path: Path, options: Options) -> None:
        self.path, self.options = path, options

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def at(self, row: int) -> str:
        """Returns the place of a row, counted from 1."""
        return f"row {row}"

    def header(self) -> list[str]:
        """Returns its column names."""
        with self._open() as file:
            return list(file.schema_arrow.names)

    def types(self) -> list[pa.DataType]:
        """Returns the types of its columns."""
        with self._open() as file:
            return list(file.schema_arrow.types)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yields its rows in batches. Raises LoadError if the file is damaged."""
        with self._open() as file:
            batches = file.iter_batches(batch_size=_BATCH_ROWS)
            while True:
                try:
                    batch = next(batches, None)
                except (pa.ArrowException, OSError) as error:
                    raise self._damaged() from error
                if batch is None:
                    return
                yield batch

    def _open(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.path)
        except pa.ArrowException as error:
            raise self._damaged() from error

    def _damaged(self) -> Exception:
        return refusal(self.name, "it is not a whole Parquet file", "Write or copy it again")
