"""A chunk's numbers and a list's manifest out of object storage, verified before use."""

import numpy as np
from django.core.files.storage import default_storage
from numpy.typing import NDArray

from delivery.models import Chunk
from recipients.chunks import Entry, Manifest
from recipients.listing import Piece
from recipients.models import RecipientList


def manifest(of: RecipientList) -> Manifest:
    """Raises ChunkDamaged when it is not the one that the list's digest names."""
    with default_storage.open(of.manifest_key) as file:
        return Manifest.from_bytes(file.read(), digest=of.digest)


def phones(chunk: Chunk) -> NDArray[np.uint64]:
    """E.164 digits in list order; raises ChunkDamaged unless the bytes are those of the manifest."""
    entry = Entry(number=chunk.number, key=chunk.key, sha256=chunk.sha256, count=chunk.count)
    return Piece(chunk.first, entry).read()
