"""The events of a log of warpbeam run --record; vm/cli/recording.hpp says what it looks like."""
import zlib

MAGIC = b"\0wblog\2\n"
CALL, SNAPSHOT, COMPLETE_SNAPSHOT, END = range(4)


def leb(bytes_, at):
    """A number in LEB128, and where it ends."""
    value = shift = 0
    while True:
        value |= (bytes_[at] & 0x7f) << shift
        at, shift = at + 1, shift + 7
        if bytes_[at - 1] < 0x80:
            return value, at


def summed(bytes_):
    return bytes_ + zlib.crc32(bytes_).to_bytes(4, "little")


class Log:
    """The head, with its checksum, and the events, without theirs: (kind, the head of the event, its contents)."""

    def __init__(self, bytes_):
        assert bytes_.startswith(MAGIC)
        at = len(MAGIC) + 24
        at += int.from_bytes(bytes_[at - 8:at], "little")
        assert summed(bytes_[len(MAGIC):at]) == bytes_[len(MAGIC):at + 4]
        self.head, self.events = bytes_[:at + 4], []
        at += 4
        while at < len(bytes_):
            _, end = leb(bytes_, at + 1)
            size, end = leb(bytes_, end)
            assert summed(bytes_[at:end + size]) == bytes_[at:end + size + 4]
            self.events.append((bytes_[at], bytes_[at:end], bytes_[end:end + size]))
            at = end + size + 4

    def kinds(self):
        return [kind for kind, _, _ in self.events]

    def bytes(self):
        return self.head + b"".join(summed(head + contents) for _, head, contents in self.events)

    def replace(self, old, new):
        """Changes what a call has done, in the first event where that is found; the checksum stays right."""
        for i, (kind, head, contents) in enumerate(self.events):
            if old in contents and kind in (CALL, END):
                self.events[i] = (kind, head, contents.replace(old, new, 1))
                return self.bytes()
        raise ValueError("not in the log")
