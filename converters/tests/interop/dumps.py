"""What root_dump writes, and how the dumps of two files are compared."""
import json
import re

# ROOT says this of every file with attribute sets, its own ones included.
EXPECTED_SAYINGS = [re.compile(r"RNTuple Attributes are experimental")]


def load(out):
    """A dump: RNTuples by path. The text is Latin-1 in disguise, see root_dump.cpp."""
    with open(f"{out}.json", encoding="ascii") as file:
        return json.load(file)


def sayings(out):
    """What ROOT said while it read the file, without what it says of any such file."""
    with open(f"{out}.log", encoding="utf8", errors="replace") as file:
        lines = [line.rstrip() for line in file if line.strip()]
    return [line for line in lines if not any(pattern.search(line) for pattern in EXPECTED_SAYINGS)]


def newest(dump):
    """Without older cycles."""
    return {path: ntuple for path, ntuple in dump.items() if not re.search(r";\d+$", path)}


def converted_paths(paths):
    """Where `rntuple convert` puts each RNTuple: under its base name, or all under their paths when that is ambiguous."""
    bases = {path: path.rsplit("/", 1)[-1] for path in paths}
    return bases if len(set(bases.values())) == len(bases) else {path: path for path in paths}


def first_difference(a, b):
    for part in ("head", "tail"):
        for index, (x, y) in enumerate(zip(a.get(part, []), b.get(part, []))):
            if json.dumps(x) != json.dumps(y):
                return f"{part} value {index}: {shorten(x)} became {shorten(y)}"
    return "a value between those shown differs"


def shorten(value, length=160):
    text = json.dumps(value)
    return text if len(text) <= length else text[:length] + "..."


def compare(before, after, encodings=True, values=True):
    """The problems of a copy `after` of the RNTuple `before`, as lines of text."""
    problems = []
    for key in ("entries", "description", "flags", "type_info", "attributes", "error"):
        if before.get(key) != after.get(key):
            problems.append(f"{key}: {shorten(before.get(key))} became {shorten(after.get(key))}")
    problems += compare_fields(before.get("fields", {}), after.get("fields", {}), encodings)
    for key in ("found_by_get", "found_by_open"):
        if before.get(key) and not after.get(key, True):
            problems.append(f"not {key}")
    if values:
        problems += compare_values(before.get("values", {}), after.get("values", {}))
    return problems


def compare_fields(before, after, encodings):
    problems = []
    if set(before) != set(after):
        problems.append(f"fields: {sorted(set(before) ^ set(after))[:5]} are on one side only")
    top = [[path for path in fields if "." not in path] for fields in (before, after)]
    if sorted(top[0]) == sorted(top[1]) and top[0] != top[1]:
        problems.append("the order of the fields changed")
    for path in before:
        if path not in after:
            continue
        for key, value in before[path].items():
            other = after[path][key]
            if key == "encodings":
                # of several representations, one is kept
                if encodings and not set(other) <= set(value):
                    problems.append(f"field {path}: encodings {value} became {other}")
            elif value != other:
                problems.append(f"field {path}: {key} {value!r} became {other!r}")
    return problems


def compare_values(before, after):
    problems = []
    for name in before:
        a, b = before[name], after.get(name)
        if b is None:
            problems.append(f"field {name}: no values")
        elif "error" in a:
            pass  # if ROOT can read the copy, so much the better
        elif "error" in b:
            problems.append(f"field {name}: it was fine, and became {b['error']!r}")
        elif (a["count"], a["digest"]) != (b["count"], b["digest"]):
            problems.append(f"field {name}: {first_difference(a, b)}")
    return problems


def map_problems(out):
    """What is wrong with the records of a file, as TFile::Map shows them: one behind the other up to the end."""
    with open(f"{out}.txt", encoding="utf8", errors="replace") as file:
        lines = [line for line in file if re.search(r"\bAt:\d+", line)]
    problems = [line.strip() for line in lines if "E R R O R" in line or "G A P" in line]
    expected = None
    for line in lines:
        at, length = (int(re.search(rf"\b{key}[:=](-?\d+)", line).group(1)) for key in ("At", "N"))
        if expected is not None and at != expected:
            problems.append(f"a record at {at}, not at {expected}")
        expected = at + length
    if not lines or not lines[-1].rstrip().endswith("END"):
        problems.append("the map of the file has no end")
    return problems
