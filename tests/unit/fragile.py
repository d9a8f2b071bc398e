"""Ports that die at a chosen step, so that a test can look at what a crash leaves."""


class Crash(BaseException):
    """The process dies here."""


class Step:
    """Counts the calls that touch the disk and dies before or after the nth."""

    def __init__(self, last, *, after):
        self.left = last
        self.after = after

    def run(self, act):
        self.left -= 1
        if self.left == 0 and not self.after:
            raise Crash
        result = act()
        if self.left == 0:
            raise Crash
        return result


class Fragile:
    """A port whose writing calls are steps."""

    def __init__(self, port, step, names):
        self._port = port
        self._step = step
        self._names = names

    def __getattr__(self, name):
        found = getattr(self._port, name)
        if name not in self._names:
            return found
        return lambda *args, **kw: self._step.run(lambda: found(*args, **kw))
