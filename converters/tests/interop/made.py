"""The values that rntuple-io/examples/interop.rs writes, by the same rules."""


def event(i):
    return {
        "id": i,
        "x": i * 0.5,
        "y": i / -8.0,
        "name": f"entry {i}",
        "values": [(i + k) * 0.25 for k in range(i % 4)],
        "maybe": i * -1_000_000_007 if i % 3 else None,
        "grid": [i, -1, 7],
        "flag": i % 2 == 0,
    }


def vertex(i):
    return {"x": float(i), "y": i * -0.5, "z": i * 0.125}


def hits(i):
    return [{"layer": k, "at": [float(i), k * 0.5]} for k in range(i % 3)]


def track(i):
    return {"hits": hits(i), "chi2": i / 16.0, "vertex": vertex(i) if i % 2 else None, "label": f"track {i}"}


def signal(i):
    return [i * 0.25, f"signal {i}", list(range(i % 5)), vertex(i)][i % 4]


def collision(i):
    return {
        "run": i // 10,
        "vertex": vertex(i),
        "tracks": [track(i + k) for k in range(i % 4)],
        "best": track(i) if i % 4 else None,
        "signal": signal(i),
        "signals": [signal(i + k) for k in range(i % 3)],
        "boxed": vertex(i + 1) if i % 5 else None,
        "corners": [vertex(i), vertex(i + 2)],
        "numbers": {"_0": -i, "_1": i * 0.5},
        "triple": {"_0": i % 256, "_1": str(i), "_2": list(range(i % 3))},
        "flags": [k * 100 for k in range(i % 4)],
        "names": [{"_0": f"name {k}", "_1": k - 1} for k in range(i % 3)],
        "hashed": [{"_0": "half", "_1": i / 2.0}] if i % 2 == 0 else [],
        "unique": [i - 5] if i % 3 == 0 else [],
        "half": i * 0.25,
        "fCharge": 1.0 if i % 2 == 0 else -1.0,
        "nested": [[None, float(k)] for k in range(i % 3)],
        "anonymous": {"a": (i + 128) % 256 - 128, "b": [{"c": f"c{k}"} for k in range(i % 2)]},
        "generic": {"first": vertex(i), "second": i * 2.0},
    }


def cluster(i):
    return {"hits": hits(i), "center": vertex(i), "label": f"cluster {i}"}


def shared(i):
    def detector(k):
        return [1, 2, -5][k % 3]

    def hit(k):
        return {"detector": detector(k), "energy": k * 1.5}

    return {
        "vertex": vertex(i),
        "cluster": cluster(i),
        "clusters": [cluster(i + k) for k in range(i % 3)],
        "best": cluster(i) if i % 3 else None,
        "detector": detector(i),
        "detectors": [detector(i + k) for k in range(i % 4)],
        "hit": hit(i),
        "hits": [hit(i + k) for k in range(i % 3)],
    }


def late(start, last, first=0):
    """Entries with the two fields that were added at entry `start`."""
    entries = []
    for i in range(first, last):
        there = i >= start
        text = f"later {i}" if there else ""
        entries.append(event(i) | {"late_text": text, "late_number": i if there and i % 2 == 0 else None})
    return entries


def events(first, last):
    return [event(i) for i in range(first, last)]


def wide():
    return [{f"column_{k}": i * 1000 + k for k in range(300)} for i in range(2000)]


def collisions(first, last):
    return [collision(i) for i in range(first, last)]


# Entries by file and path. Of `recovered_cut` it is known only that it is a beginning, see run.py.
HUNDRED = {"events": events(0, 100)}
FILES = {
    "plain": HUNDRED,
    "small": HUNDRED,
    "small_none": HUNDRED,
    "hadd_a": HUNDRED,
    "hadd_b": HUNDRED,
    "no_merging": HUNDRED,
    "small_indexes": HUNDRED,
    "budget": HUNDRED,
    "time_uuid": HUNDRED,
    "per_field": HUNDRED,
    "parallel": HUNDRED,
    "no_entries": {"events": []},
    "no_fields": {"events": []},
    "split_keys": {"wide": wide()},
    "several": {
        "events": events(0, 3),
        "events;1": events(0, 30),
        "a/b/events": events(100, 130),
        "a/later": events(0, 5),
        "Größe/größer": events(200, 230),
    },
    "extended": {"events": late(25, 60)},
    "extended_first": {"events": late(0, 60)},
    "attributes": {"events": events(0, 40)},
    "reopened": {"events": late(50, 70)},
    "checkpoints": {"events": events(0, 60)},
    "recovered": {"events": events(0, 80)},
    "derived": {"collisions": collisions(0, 100)},
    "derived_more": {"collisions": collisions(100, 160)},
    "derived_none": {"collisions": collisions(0, 100)},
    "shared": {"shared": [shared(i) for i in range(50)]},
}

ATTRIBUTES = {
    "runs": [
        [0, 10, {"good": True, "name": "first"}],
        [10, 30, {"good": False, "name": ""}],
        [5, 0, {"good": True, "name": "third"}],
    ],
    "empty": [],
}
