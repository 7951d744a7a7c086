"""What was checked, and what was found."""
import sys
import time

import known as known_problems

SHOWN = 6


class Section:
    """One part of the checks: counts files, prints what is wrong with them."""

    def __init__(self, title, known=()):
        self.title, self.known = title, list(known)
        self.passed, self.failed, self.excused = 0, 0, {}
        self.started = time.monotonic()

    def judge(self, name, problems):
        """The outcome for one file."""
        real = []
        for problem in problems:
            why = known_problems.reason(self.known, name, problem)
            if why is None:
                real.append(problem)
            else:
                self.excused.setdefault(why, set()).add(name)
        if real:
            self.failed += 1
            print(f"FAIL {self.title}: {name}")
            for problem in real[:SHOWN]:
                print(f"     {problem}")
            if len(real) > SHOWN:
                print(f"     and {len(real) - SHOWN} more")
        else:
            self.passed += 1
        return not real

    def end(self):
        seconds = time.monotonic() - self.started
        print(f"{self.title}: {self.passed} passed, {self.failed} failed ({seconds:.0f} s)")
        for why, names in sorted(self.excused.items()):
            print(f"     known: {why} ({len(names)}: {', '.join(sorted(names)[:4])}{', ...' if len(names) > 4 else ''})")
        sys.stdout.flush()
        return self
