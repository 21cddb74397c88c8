"""The differences between engines whose reason is known, in settled.txt."""
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
