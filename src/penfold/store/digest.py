"""Read a large message in a process of its own: `python -m penfold.store.digest FILE BLOBS`.

Scanning, hashing and packing 150 MiB takes seconds and a gigabyte; the process that serves must
have neither to spare. The child bounds itself, stores the blob durably and prints a msgpack of
ports.uploads.Digest. Whatever becomes of it, its parent lives on.
"""

import hashlib
import resource
import subprocess
import sys
from pathlib import Path

import msgspec

from penfold.base.errors import UnavailableError
from penfold.base.limits import DIGEST_MAX_S, DIGEST_MEMORY_BYTES
from penfold.ports.mailbox import StoredRaw
from penfold.ports.uploads import Digest
from penfold.proto.mime.summary import read_message
from penfold.store.blobs.local import LocalBlobs


def digest_file(path: Path, blobs: Path) -> Digest:
    """Return what the file holds, after its octets are among the blobs."""
    command = [sys.executable, "-m", "penfold.store.digest", str(path), str(blobs)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=DIGEST_MAX_S, check=True)
        return msgspec.msgpack.decode(done.stdout, type=Digest)
    except (OSError, subprocess.SubprocessError, msgspec.MsgspecError) as error:
        raise UnavailableError(f"a large message was not read: {error}") from error


def main(path: str, blobs: str) -> None:
    for limit, bound in (
        (resource.RLIMIT_CPU, DIGEST_MAX_S),
        (resource.RLIMIT_AS, DIGEST_MEMORY_BYTES),
    ):
        resource.setrlimit(limit, (bound, bound))
    raw = Path(path).read_bytes()
    sha256 = hashlib.sha256(raw).digest()
    LocalBlobs(Path(blobs)).put(sha256, raw)
    root, summary = read_message(raw)
    found = Digest(StoredRaw(sha256, len(raw)), root, summary)
    sys.stdout.buffer.write(msgspec.msgpack.encode(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
