"""A disk in memory whose power can be cut: what was not synced may be there, or not, or in part.

Every file keeps its durable octets and, since its last sync, the list of writes on top. A cut
keeps a random subset of those writes, each whole or torn at a multiple of 512 octets, in any
order, as a disk's cache may do. Shared memory and locks are SQLite's own (a real folder), as
they do not survive a power cut anyway.
"""

import random

import apsw

_SECTOR = 512


class PowerCut(Exception):  # noqa: N818 - an event, not a mistake
    """The power went at this sync."""


class Disk(apsw.VFS):
    """A VFS named `name`; cut_at: the number of the sync at which the power goes."""

    def __init__(self, name, seed, *, cut_at=None):
        self.files = {}
        self.syncs = 0
        self.cut_at = cut_at
        self.off = False
        self._random = random.Random(seed)
        super().__init__(name, "")

    def xOpen(self, name, flags):
        return File(self, name, flags)

    def xDelete(self, filename, syncdir):
        self.files.pop(filename, None)

    def xAccess(self, pathname, flags):
        return pathname in self.files

    def sync(self):
        self.syncs += 1
        if self.off or (self.cut_at is not None and self.syncs >= self.cut_at):
            self.off = True
            raise apsw.IOError("the power is off")

    def cut(self):
        """Return what each file holds after the power came back."""
        return {name: content.after_cut(self._random) for name, content in self.files.items()}

    def load(self, files):
        self.files = {name: Content(data) for name, data in files.items()}
        self.off, self.cut_at = False, None


class Content:
    def __init__(self, data=b""):
        self.durable = bytearray(data)
        self.now = bytearray(data)
        self.pending = []

    def write(self, data, offset):
        self.pending.append((offset, bytes(data)))
        _put(self.now, offset, data)

    def truncate(self, size):
        self.pending.append((size, None))
        del self.now[size:]

    def sync(self):
        self.durable = bytearray(self.now)
        self.pending = []

    def after_cut(self, chance):
        data = bytearray(self.durable)
        kept = [change for change in self.pending if chance.random() < 0.6]
        for offset, octets in kept:
            if octets is None:
                del data[offset:]
            elif chance.random() < 0.2:
                _put(data, offset, octets[: _SECTOR * chance.randrange(1 + len(octets) // _SECTOR)])
            else:
                _put(data, offset, octets)
        return bytes(data)


class File(apsw.VFSFile):
    """One open file; its octets are the disk's, its locks and shared memory SQLite's own."""

    def __init__(self, disk, name, flags):
        super().__init__("", name, flags)
        self._disk = disk
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._content = disk.files.setdefault(path, Content())

    def xRead(self, amount, offset):
        return bytes(self._content.now[offset : offset + amount])

    def xWrite(self, data, offset):
        if self._disk.off:
            raise apsw.IOError("the power is off")
        self._content.write(data, offset)

    def xTruncate(self, newsize):
        if self._disk.off:
            raise apsw.IOError("the power is off")
        self._content.truncate(newsize)

    def xSync(self, flags):
        self._disk.sync()
        self._content.sync()

    def xFileSize(self):
        return len(self._content.now)


def _put(data, offset, octets):
    if len(data) < offset:
        data.extend(bytes(offset - len(data)))
    data[offset : offset + len(octets)] = octets
