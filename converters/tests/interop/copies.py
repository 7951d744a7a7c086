"""Copies by `rntuple convert`: every reader must find in the copy what it finds in the original."""
import concurrent.futures
import json
import math
import re
import struct

import dumps
import known
from peers import PROCESSES, run
from report import Section


class Copy:
    """A file, its copy, and where the reports of readers go."""

    def __init__(self, name, original, work, options=(), compare=dumps.compare):
        self.name, self.original, self.options, self.compare = name, original, options, compare
        self.work = work
        self.copy = self._beside(name, "copy.root")
        self.refused = None

    def _beside(self, name, ending):
        return self.work / f"{name.replace('/', '__')}.{ending}"

    def convert(self, rntuple):
        done = run([rntuple, "convert", "--quiet", *self.options, self.original, self.copy])
        if done.returncode or done.stderr.strip():
            self.refused = done.stderr.strip()[-300:] or f"exit {done.returncode}"
        return self

    def before(self, reader):
        """Reports on an original are shared by its copies."""
        return self._beside(f"{self.original.parent.name}/{self.original.stem}", f"in.{reader}")

    def after(self, reader):
        return self._beside(self.name, f"out.{reader}")


def convert(copies, rntuple):
    with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
        return list(pool.map(lambda copy: copy.convert(rntuple), copies))


def refused_by_root(dump):
    return "error" in dump or any("error" in ntuple for ntuple in dump.values())


def by_root(section, root, copies, *options):
    """ROOT's read of each copy against its read of the original."""
    reader = "root" + "".join(f"-{option.stem}" for option in options)
    files = list(dict.fromkeys((copy.original, copy.before(reader)) for copy in copies))
    files += [(copy.copy, copy.after(reader)) for copy in copies if not copy.refused]
    ends = root.dump(files, *options)
    for copy in copies:
        section.judge(copy.name, root_problems(copy, copy.before(reader), copy.after(reader), ends))


def root_problems(copy, before_out, after_out, ends):
    if ends[str(before_out)] != "ok":
        return [f"reading the original ended with {ends[str(before_out)]}"]
    before = dumps.newest(dumps.load(before_out))
    if copy.refused:
        return [] if refused_by_root(before) else [f"not converted: {copy.refused}"]
    if ends[str(after_out)] != "ok":
        return [f"reading the copy ended with {ends[str(after_out)]}"]
    after = dumps.load(after_out)
    problems = [after["error"]] if "error" in after else []
    paths = dumps.converted_paths(before)
    if set(paths.values()) != set(after):
        problems.append(f"RNTuples {sorted(paths.values())} became {sorted(after)}")
    for path, ntuple in before.items():
        if paths[path] in after:
            problems += [f"{path}: {problem}" for problem in copy.compare(ntuple, after[paths[path]])]
    usual = set(dumps.sayings(before_out))
    problems += [f"ROOT says: {line}" for line in dumps.sayings(after_out) if line not in usual]
    return problems + dumps.map_problems(after_out)


def by_reader(section, reader, copies):
    """The same for uproot or JSROOT. What they cannot read in the original is left out."""
    files = []
    for copy in copies:
        if not copy.refused:
            files += [(copy.original, copy.before(reader.name)), (copy.copy, copy.after(reader.name))]
    reader.read(files)
    fields = skipped = 0
    for copy in copies:
        if copy.refused:
            continue
        before, after = (json.loads(out.read_text()) for out in (copy.before(reader.name), copy.after(reader.name)))
        problems = []
        if "error" in before:
            skipped += 1
            continue
        paths = dumps.converted_paths(before)
        for path, ntuple in before.items():
            if "error" in ntuple:
                skipped += 1
                continue
            other = after.get(paths[path], {"error": "it is not there"})
            if "error" in other:
                problems.append(f"{path}: {other['error']}")
                continue
            if ntuple["groups"] == 1 and ntuple["entries"] != other["entries"]:
                problems.append(f"{path}: {ntuple['entries']} entries became {other['entries']}")
            for name, field in ntuple["fields"].items():
                if "error" in field:
                    skipped += 1
                    continue
                fields += 1
                after_field = other["fields"].get(name)
                problems += field_problems(f"{path}: field {name}", field, after_field, sure_entries(ntuple, other))
        section.judge(copy.name, problems)
    section.title += f" ({fields} fields; {skipped} not readable in the original)"


def sure_entries(*ntuples):
    """Entries for which uproot and JSROOT can be believed: beyond the first cluster they lose count in what is nested."""
    return min(ntuple["clusters"][0] if ntuple["clusters"] else 0 for ntuple in ntuples)


def field_problems(where, before, after, sure):
    if after is None:
        return [f"{where}: it is not there"]
    if "error" in after:
        return [f"{where}: {after['error']}"]
    if before["type"] != after["type"]:
        return [f"{where}: type {before['type']} became {after['type']}"]
    a, b = before["values"][:sure], after["values"][:sure]
    if len(a) != len(b):
        return [f"{where}: {len(a)} values became {len(b)}"]
    for index, (x, y) in enumerate(zip(a, b)):
        # as text: no number is equal to itself
        if json.dumps(x) != json.dumps(y):
            return [f"{where}: entry {index}: {dumps.shorten(x)} became {dumps.shorten(y)}"]
    return []


def originals(vectors, corpus):
    """All files to copy, by name."""
    files = {f"golden/{file.stem}": file for file in sorted(vectors.glob("*.root"))}
    if corpus is not None:
        for folder in ("validation", "edge", "wild"):
            files |= {f"{folder}/{file.stem}": file for file in sorted((corpus / folder).glob("*.root"))}
    return files


def check(rntuple, root, readers, vectors, corpus, work):
    copies = [Copy(name, file, work) for name, file in originals(vectors, corpus).items()]
    convert(copies, rntuple)
    golden = [copy for copy in copies if copy.name.startswith("golden/")]
    sections = []
    if root:
        with_dictionaries = Section("ROOT reads copies of golden files, with dictionaries", known.WITH_DICTIONARIES)
        by_root(with_dictionaries, root, golden, work / "libgolden.so")
        sections.append(with_dictionaries.end())
        without = Section("ROOT reads copies, without dictionaries", known.WITHOUT_DICTIONARIES)
        by_root(without, root, copies)
        sections.append(without.end())
    for reader in readers:
        section = Section(f"{reader.name} reads copies", known.JSROOT if reader.name == "JSROOT" else known.UPROOT)
        by_reader(section, reader, copies)
        sections.append(section.end())
    return sections


# Golden files with all sorts of types, for the options.
SAMPLE = ["integers", "floats", "strings", "sequences", "arrays", "bitsets", "nullables", "variants", "clusters",
          "classes", "projections", "extension", "untyped"]


def storage(**wanted):
    """Compares without encodings, and looks at how ROOT says that the copy is stored."""
    def compare(before, after):
        problems = dumps.compare(before, after, encodings=False)
        for key, accept in wanted.items():
            found = after.get("storage", {}).get(key)
            if not accept(found):
                problems.append(f"{key} is {found}")
        return problems
    return compare


def compressed(setting):
    # a data set without pages has no setting
    return lambda found: found in ([setting], [])


OPTIONS = {
    "none": (["-c", "none"], storage(compression=compressed(0))),
    "zlib": (["-c", "zlib:1"], storage(compression=compressed(101))),
    "zlib9": (["-c", "zlib:9"], storage(compression=compressed(109))),
    "lzma": (["-c", "lzma:7"], storage(compression=compressed(207))),
    "lz4": (["-c", "lz4:4"], storage(compression=compressed(404))),
    "lz4hc": (["-c", "lz4:9"], storage(compression=compressed(409))),
    "zstd": (["-c", "zstd:5"], storage(compression=compressed(505))),
    "zstd9": (["-c", "509"], storage(compression=compressed(509))),
    "small_pages": (["--max-page-size", "64"], storage(largest_page=lambda n: n <= 64 * 8)),
    "small_clusters": (["--cluster-size", "100"], storage()),
    "smallest": (["--cluster-size", "1", "--max-page-size", "1", "-c", "none"], storage()),
    "no_checksums": (["--no-checksums"], storage(checksums=lambda found: found in ([0], []))),
    "defaults": (["--default-encodings"], storage()),
    "defaults_none": (["--default-encodings", "-c", "none"], storage()),
    "checkpoints": (["--checkpoint", "1"], storage()),
    "one_thread": (["-j", "1"], storage()),
}


def check_options(rntuple, root, vectors, work):
    section = Section("ROOT reads copies with options", known.WITHOUT_DICTIONARIES)
    copies = [Copy(f"{name}/{file}", vectors / f"{file}.root", work, options, compare)
              for name, (options, compare) in OPTIONS.items() for file in SAMPLE]
    by_root(section, root, convert(copies, rntuple))
    return [section.end()]


def to_half(x):
    return struct.unpack("<e", struct.pack("<e", x))[0]


def to_truncated(bits):
    def convert(x):
        (word,) = struct.unpack("<I", struct.pack("<f", x))
        word &= (1 << 32) - (1 << (32 - bits))
        return struct.unpack("<f", struct.pack("<I", word))[0]
    return convert


def to_quantised(bits, low, high):
    steps = (1 << bits) - 1
    return lambda x: low + math.floor((x - low) / (high - low) * steps + 0.5) * (high - low) / steps


# Encodings of floating-point numbers, and what they make of one.
ENCODINGS = {
    "Real16": to_half,
    "Real32Trunc(10)": to_truncated(10),
    "Real32Trunc(16)": to_truncated(16),
    "Real32Trunc(31)": to_truncated(31),
    "Real32Quant(1;-20;50)": to_quantised(1, -20, 50),
    "Real32Quant(12;-20;50)": to_quantised(12, -20, 50),
    "Real32Quant(32;-20;50)": to_quantised(32, -20, 50),
    "Real32": lambda x: x,
    "SplitReal32": lambda x: x,
}


def check_encodings(rntuple, root, plain, work):
    """The fields `x` and `y` of a file by the example, in every encoding."""
    section = Section("ROOT reads narrow encodings")
    copies = [Copy(f"encoding/{number}", plain, work, ["--encoding", f"x={name}", "--encoding", f"y={name}"])
              for number, name in enumerate(ENCODINGS)]
    for setting in ("none", "zstd"):
        for copy in convert([Copy(f"{copy.name}_{setting}", plain, work, [*copy.options, "-c", setting]) for copy in copies],
                            rntuple):
            number = int(re.search(r"/(\d+)_", copy.name).group(1))
            name, rule = list(ENCODINGS.items())[number]
            section.judge(f"{name}, {setting}", encoding_problems(rntuple, root, copy, name, rule))
    return [section.end()]


def encoding_problems(rntuple, root, copy, name, rule):
    if copy.refused:
        return [copy.refused]
    out = copy.after("root")
    end = root.dump([(copy.copy, out)])[str(out)]
    if end != "ok":
        return [end]
    ntuple = dumps.load(out)["events"]
    shown = run([rntuple, "show", copy.copy, "--format", "ndjson"]).stdout.splitlines()
    problems = [f"ROOT says: {line}" for line in dumps.sayings(out)]
    for field, factor in (("x", 0.5), ("y", -0.125)):
        stored = ntuple["fields"][field]["encodings"]
        if not re.match(name.split("(")[0] + r"/\d+(\[|$)", stored[0]) or len(stored) != 1:
            problems.append(f"{field}: stored as {stored}")
        got = ntuple["values"][field]["head"]
        want = [rule(i * factor) for i in range(100)]
        problems += [f"{field}: {i * factor} became {value} for ROOT, not {right}"
                     for i, (value, right) in enumerate(zip(got, want)) if abs(value - right) > 1e-5]
        ours = [json.loads(line)[field] for line in shown]
        problems += [f"{field}: {value} for ROOT, {own} for the project"
                     for value, own in zip(got, ours) if single(value) != single(own)]
    return problems


def single(x):
    return struct.pack("<f", x)
