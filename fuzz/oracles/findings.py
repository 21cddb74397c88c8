"""What a comparison finds: differences whose reason is known, in settled.txt, are counted, others are printed and kept."""
import collections
import os
import re


class Settled:
    """Differences whose reason is known: `engine ; our message ; their message ; reason`, the messages as regular
    expressions, or `valid`."""

    def __init__(self):
        self.rules = []
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "settled.txt")
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line.strip() and not line.startswith("#"):
                    engine, ours_, theirs, reason = (part.strip() for part in line.split(" ; ", 3))
                    self.rules.append((engine, re.compile(ours_), re.compile(theirs), reason))

    def reason(self, engine, ours_, theirs):
        for name, our_rule, their_rule, reason in self.rules:
            if name in (engine, "*") and our_rule.search(ours_ or "valid") and their_rule.search(theirs or "valid"):
                return reason
        return None


def kind_of(message):
    """The message without what differs from input to input."""
    return re.sub(r"0x[0-9a-f]+|\d+|#\w+|@\+\w+|\"[^\"]*\"|`[^`]*`", "N", message or "valid").replace("\n", " ")[:160]


class Findings:
    """With `keep`, a directory, the first input of each kind of difference is kept there."""

    def __init__(self, keep):
        self.settled = Settled()
        self.keep = keep
        self.counts = collections.Counter()
        self.unexplained = collections.Counter()

    def is_settled(self, who, mine, theirs, name, contents):
        """Whether the reason of a difference is known. Otherwise it is printed, and `contents` are kept in a file with a
        number before this name, if it is the first of its kind."""
        reason = self.settled.reason(who, mine, theirs)
        if reason is not None:
            self.counts[f"{who}: {reason}"] += 1
            return True
        kind = f"{who} ; {kind_of((mine or 'valid').split(chr(10), 1)[0])} ; {kind_of(theirs)}"
        self.unexplained[kind] += 1
        if self.unexplained[kind] == 1:
            print(f"{name}: Warpbeam: {mine or 'valid'}; {who}: {theirs or 'valid'}", flush=True)
            if self.keep:
                os.makedirs(self.keep, exist_ok=True)
                with open(os.path.join(self.keep, f"{len(self.unexplained)}-{name}"), "wb") as file:
                    file.write(contents)
        return False

    def finish(self):
        """Prints the counts; returns the exit status."""
        for what, count in sorted(self.counts.items()):
            print(f"{count:9} {what}")
        for kind, count in self.unexplained.most_common():
            print(f"{count:9} unexplained: {kind}")
        return 1 if self.unexplained else 0
