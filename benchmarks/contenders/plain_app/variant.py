"""The plain app's folder with another concurrency in its `host.json`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

FOLDER = Path(__file__).parent
"""The app with the host's default concurrency: 16 messages per fetch and 8 more, so 24 at once."""


def app_with_concurrency(folder: Path, *, batch_size: int, new_batch_threshold: int) -> Path:
    """A copy of the app in this folder, which handles `batch_size + new_batch_threshold` messages at once."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(FOLDER / "function_app.py", folder)
    settings = json.loads((FOLDER / "host.json").read_text(encoding="utf-8"))
    settings["extensions"]["queues"] |= {"batchSize": batch_size, "newBatchThreshold": new_batch_threshold}
    (folder / "host.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder
