"""A file system whose write-ahead logs cannot be synced while `failing` is set."""

import threading

import apsw


class FailingFile(apsw.VFSFile):
    failing = threading.Event()

    def __init__(self, name, flags):
        super().__init__("", name, flags)
        self._is_log = bool(flags[0] & apsw.SQLITE_OPEN_WAL)

    def xSync(self, flags):
        if self._is_log and self.failing.is_set():
            raise apsw.IOError("made up for this test")
        super().xSync(flags)


class FailingVFS(apsw.VFS):
    def __init__(self):
        super().__init__("failing", "")

    def xOpen(self, name, flags):
        return FailingFile(name, flags)
