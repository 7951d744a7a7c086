"""Files that start here or that others made: what rntuple-io/examples/interop.rs writes, ROOT files to which RNTuples are
added, RNTuples that are continued, files merged by hadd."""
import concurrent.futures
import json
import re
import shutil

import dumps
import known
import made
from peers import HERE, PROCESSES, run
from report import Section

# Where ROOT cannot do without a dictionary that it does not have.
ROOT_CRASHES = {"flags": "std::set<std::uint16_t>"}
# ROOT writes this of every class without a dictionary, in files of its own as well.
NO_DICTIONARY = re.compile(r"Warning in <TClass::Init>: no dictionary for class ")


def same(a, b):
    """Whether values are equal; 0 and 0.0 are, 1 and True are not."""
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    return isinstance(a, bool) == isinstance(b, bool) and a == b


def disguised(text):
    """As root_dump and read_uproot write text: its bytes as Latin-1."""
    return text.encode().decode("latin-1")


def columns(entries):
    return {name: [entry[name] for entry in entries] for name in (entries[0] if entries else {})}


def first_difference(where, want, got):
    if len(want) != len(got):
        return [f"{where}: {len(got)} values, not {len(want)}"]
    for index, (x, y) in enumerate(zip(want, got)):
        if not same(x, y):
            return [f"{where}: value {index} is {dumps.shorten(y)}, not {dumps.shorten(x)}"]
    return []


def root_values(path, ntuple, entries):
    """What is wrong with a dump by ROOT of an RNTuple that has these entries."""
    if "error" in ntuple:
        return [f"{path}: {ntuple['error']}"]
    problems = [] if ntuple["entries"] == len(entries) else [f"{path}: {ntuple['entries']} entries, not {len(entries)}"]
    for way in ("found_by_get", "found_by_open"):
        if not ntuple.get(way, True):
            problems.append(f"{path}: not {way}")
    for name, want in columns(entries).items():
        where, got = f"{path}: field {name}", ntuple["values"].get(name, {"error": "it is not there"})
        if "error" in got:
            if name not in ROOT_CRASHES:
                problems.append(f"{where}: {got['error']}")
            continue
        if got["count"] != len(want):
            problems.append(f"{where}: {got['count']} values, not {len(want)}")
        problems += first_difference(where, want[:len(got["head"])], got["head"])
        if got["tail"]:
            problems += first_difference(where, want[-len(got["tail"]):], got["tail"])
    return problems


def root_file(out, end, wanted, holes=False):
    """What is wrong with ROOT's dump of a file that should hold these RNTuples and none else. There may be holes in it
    only if ROOT removed something."""
    if end != "ok":
        return [f"reading it ended with {end}"]
    dump = dumps.load(out)
    if "error" in dump:
        return [dump["error"]]
    wanted = {disguised(path): entries for path, entries in wanted.items()}
    problems = [] if set(dump) == set(wanted) else [f"RNTuples {sorted(dump)}, not {sorted(wanted)}"]
    for path in set(dump) & {path for path, entries in wanted.items() if entries is not None}:
        problems += root_values(path, dump[path], wanted[path])
    problems += [f"ROOT says: {line}" for line in dumps.sayings(out)
                 if not NO_DICTIONARY.search(line) and not crash(line)]
    return problems + ([] if holes else dumps.map_problems(out))


def crash(line):
    # the last words on a field of ROOT_CRASHES, which is read in a process of its own
    return line == "aborting" or "TGenCollectionProxy.cxx" in line


def own_file(rntuple, path, wanted):
    """What is wrong with a file for the project itself."""
    done = run([rntuple, "verify", "--quiet", path])
    problems = [f"verify: {(done.stdout + done.stderr).strip()[-200:]}"] if done.returncode else []
    for name, entries in wanted.items():
        done = run([rntuple, "show", path, "--ntuple", name, "--format", "ndjson"])
        got = [json.loads(line) for line in done.stdout.splitlines()]
        if done.returncode:
            problems.append(f"show {name}: {done.stderr.strip()[-200:]}")
        elif entries:
            problems += first_difference(f"show {name}", entries, got)
    return problems


# What other readers make of the values.

def as_uproot(value, name=None):
    if isinstance(value, dict):
        items = {key: as_uproot(item) for key, item in value.items()}
        return list(items.values()) if all(key.startswith("_") for key in items) else items
    if isinstance(value, list):
        return [as_uproot(item) for item in value]
    return value


def as_jsroot(value, name):
    pairs = name in ("numbers", "names", "hashed")
    if isinstance(value, dict):
        return {("first" if key == "_0" else "second") if pairs else key: as_jsroot(item, name)
                for key, item in value.items()}
    if isinstance(value, list):
        return [as_jsroot(item, name) for item in value]
    return value


def from_jsroot(value):
    if isinstance(value, dict):
        return {key: from_jsroot(item) for key, item in value.items() if key != "_typename"}
    if isinstance(value, list):
        return [from_jsroot(item) for item in value]
    if isinstance(value, str) and re.fullmatch(r"-?\d+n", value):
        return int(value[:-1])
    return 0.0 if value == "-0" else value


def expected(reader, name, values):
    if reader.name == "uproot":
        values = [as_uproot(value) for value in values]
        # a pointer is a list with at most one item for uproot
        return [[] if value is None else [value] for value in values] if name == "boxed" else values
    return [as_jsroot(value, name) for value in values]


def reader_file(reader, out, wanted):
    """What is wrong with a report of uproot or JSROOT; they see the newest cycles only."""
    report = json.loads(out.read_text())
    if "error" in report:
        return [report["error"]]
    problems = []
    for path, entries in dumps.newest(wanted).items():
        ntuple = report.get(disguised(path) if reader.name == "JSROOT" else path, {"error": "it is not there"})
        if "error" in ntuple:
            problems.append(f"{path}: {ntuple['error']}")
            continue
        if ntuple["entries"] != len(entries):
            problems.append(f"{path}: {ntuple['entries']} entries, not {len(entries)}")
        for name, values in columns(entries).items():
            where, field = f"{path}: field {name}", ntuple["fields"].get(name, {"error": "it is not there"})
            if "error" in field:
                problems.append(f"{where}: {field['error']}")
                continue
            got = field["values"]
            if reader.name == "JSROOT":
                # beyond the first cluster, JSROOT loses count in what is nested
                got = [from_jsroot(value) for value in got[:ntuple["clusters"][0]]]
            problems += first_difference(where, expected(reader, name, values)[:len(got)], got)
    return problems


def contents(root, file):
    """All objects of a file that are no RNTuples, as ROOT reads them; and what it says."""
    done = root.run(root.work / "root_files", "list", file)
    lines = [line.removeprefix(f"{file} ") for line in done.stdout.splitlines()]
    return lines, [f"ROOT says: {line}" for line in done.stderr.splitlines()] + (["exit"] if done.returncode else [])


class Files:
    def __init__(self, rntuple, example, root, readers, vectors, work):
        self.rntuple, self.example, self.root, self.readers = rntuple, example, root, readers
        self.vectors, self.work = vectors, work

    def made(self):
        """Everything that the example writes."""
        folder = self.work / "made"
        done = run([self.example, "all", folder])
        if done.returncode:
            raise RuntimeError(f"the example failed: {done.stderr}")
        wanted = dict(made.FILES)
        # how much can be saved of a file that was cut short depends on where a cluster ended
        saved = run([self.rntuple, "show", folder / "recovered_cut.root", "--format", "ndjson"]).stdout.count("\n")
        wanted["recovered_cut"] = {"events": made.events(0, saved)}
        sections = [self._made_for_us(folder, wanted, saved)]
        if self.root:
            sections += [self._made_for_root(folder, wanted), self._made_for_tools(folder)]
        for reader in self.readers:
            section = Section(f"{reader.name} reads new files", known.JSROOT if reader.name == "JSROOT" else known.UPROOT)
            outs = {name: self.work / f"made__{name}.{reader.name}" for name in wanted}
            reader.read([(folder / f"{name}.root", outs[name]) for name in wanted])
            for name in wanted:
                section.judge(f"made/{name}", reader_file(reader, outs[name], wanted[name]))
            sections.append(section.end())
        return sections

    def _made_for_us(self, folder, wanted, saved):
        section = Section("new files, read by the project itself")
        for name, ntuples in wanted.items():
            section.judge(f"made/{name}", own_file(self.rntuple, folder / f"{name}.root", ntuples))
        section.judge("recovered_cut", [] if 20 <= saved < 100 else [f"{saved} entries were saved"])
        return section.end()

    def _made_for_root(self, folder, wanted):
        section = Section("ROOT reads new files")
        outs = {name: self.work / f"made__{name}" for name in wanted}
        declared = {"shared"}
        ends = self.root.dump([(folder / f"{name}.root", outs[name]) for name in wanted if name not in declared])
        # the enum must be known: from the interpreter, then together with the classes from a dictionary
        enum = HERE / "detector_enum.hpp"
        ends |= self.root.dump([(folder / f"{name}.root", outs[name]) for name in declared], enum)
        with_classes = self.work / "made__shared_dictionary"
        ends |= self.root.dump([(folder / "shared.root", with_classes)], self.work / "libstructs.so")
        for name, ntuples in wanted.items():
            problems = root_file(outs[name], ends[str(outs[name])], ntuples)
            section.judge(f"made/{name}", problems + self._storage(name, outs[name]))
        problems = root_file(with_classes, ends[str(with_classes)], wanted["shared"])
        section.judge("made/shared with dictionaries", problems)
        return section.end()

    @staticmethod
    def _storage(name, out):
        """Options that show in the file."""
        dump = dumps.load(out)
        if "error" in dump or not dump:
            return []
        ntuple = next(iter(dump.values()))
        stored = ntuple.get("storage", {})
        checks = {
            "small": [("clusters", lambda n: n > 2), ("pages", lambda n: n > 20)],
            "small_none": [("compression", lambda found: found == [0])],
            "per_field": [("compression", lambda found: found == [101, 207, 505])],
            "hadd_a": [("compression", lambda found: found == [404])],
            "checkpoints": [("groups", lambda n: n == 3)],
            "reopened": [("compression", lambda found: found == [101, 505])],
        }
        problems = [f"{key} is {stored.get(key)}" for key, accept in checks.get(name, []) if not accept(stored.get(key))]
        # ROOT puts them in the order of their ranges
        attributes = {name: sorted(rows, key=lambda row: row[:2]) for name, rows in made.ATTRIBUTES.items()}
        if name == "attributes" and ntuple.get("attributes") != attributes:
            problems.append(f"attributes are {ntuple.get('attributes')}")
        if name == "plain" and ntuple.get("description") != "a hundred events":
            problems.append(f"the description is {ntuple.get('description')!r}")
        return problems

    def _made_for_tools(self, folder):
        section = Section("ROOT's tools and RDataFrame")
        done = self.root.tool("rootls", "-l", folder / "several.root", folder / "derived.root")
        names = [name for name in ("events;2", "events;1", "collisions;1") if name not in done.stdout]
        section.judge("rootls", [f"{name} is not listed" for name in names] + done.stderr.splitlines())
        done = self.root.tool("rootls", f"{folder / 'several.root'}:a/b")
        section.judge("rootls a/b", [] if done.stdout.split() == ["events"] else [done.stdout + done.stderr])
        frame = [self.work / "root_files", "frame"]
        for name, column, want in (("plain", "x", sum(entry["x"] for entry in made.events(0, 100))),
                                   ("derived", "vertex.x", sum(entry["vertex"]["x"] for entry in made.collisions(0, 100)))):
            path = next(iter(made.FILES[name]))
            done = self.root.run(*frame, folder / f"{name}.root", path, column)
            section.judge(f"RDataFrame {name}", [] if done.stdout.split() == ["100", f"{want:g}"] else
                          [done.stdout, done.stderr])
        return section.end()

    def hadd(self):
        """Merges of two files."""
        section = Section("hadd, and all read the result", known.HADD)
        folder, by_root = self.work / "made", self.work / "by_root"
        merges = {
            "ours": ([folder / "hadd_a.root", folder / "hadd_b.root"], {"events": made.events(0, 100) * 2}),
            "ours_and_roots": ([folder / "hadd_a.root", by_root / "events.root"],
                               {"events": made.events(0, 100) + made.events(100, 180)}),
            "roots_and_ours": ([by_root / "events.root", folder / "hadd_b.root"],
                               {"events": made.events(100, 180) + made.events(0, 100)}),
            "derived": ([folder / "derived.root", folder / "derived_more.root"],
                        {"collisions": made.collisions(0, 160)}),
            "structs": ([folder / "shared.root", by_root / "shared.root"],
                        {"shared": [made.shared(i) for i in range(90)]}),
            "roots_structs": ([by_root / "shared.root", folder / "shared.root"],
                              {"shared": [made.shared(i) for i in [*range(50, 90), *range(50)]]}),
        }
        results = []
        for name, (inputs, ntuples) in merges.items():
            for mode in ([], ["-fk"], ["-f404"]):
                out = self.work / f"hadd_{name}{''.join(mode)}.root"
                # without dictionaries, hadd does not know enums, in files of ROOT either
                dictionaries = name.endswith("structs")
                done = self.root.tool("hadd", *(mode or ["-f"]), out, *inputs, dictionaries=dictionaries)
                results.append((f"{name} {' '.join(mode)}".strip(), out, ntuples, hadd_problems(done)))
        merged = [(out, out.with_suffix("")) for _, out, _, problems in results if not problems]
        ends = self.root.dump(merged, HERE / "detector_enum.hpp")
        for name, out, ntuples, problems in results:
            if not problems:
                problems = own_file(self.rntuple, out, ntuples)
                problems += root_file(out.with_suffix(""), ends[str(out.with_suffix(""))], ntuples)
            section.judge(name, problems)
        return [section.end()]

    def existing(self):
        """RNTuples added to files of ROOT, then objects added by ROOT, then RNTuples again."""
        section = Section("files with other objects: RNTuples added by the project, objects added by ROOT")
        jobs = {name: lambda name=name: self._add_to_objects(name) for name in ("objects", "objects_hole")}
        for name in ("several", "extended", "reopened", "attributes", "derived", "split_keys", "checkpoints", "no_entries"):
            jobs[f"{name} updated by ROOT"] = lambda name=name: self._add_objects_to(name)
        with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
            for name, problems in zip(jobs, pool.map(lambda job: job(), jobs.values())):
                section.judge(name, problems)
        return [section.end()]

    def _add_to_objects(self, name):
        ours = {"ours": made.events(0, 100), "deep/er/ours": made.events(100, 150)}
        again = ours | {f"{path};1": entries for path, entries in ours.items()}
        path = self.work / f"{name}.root"
        shutil.copy(self.work / "by_root" / path.name, path)
        before, problems = contents(self.root, path)
        problems += self._step(path, ["add"], ours, before)
        if not problems:
            problems += self._update(path)
            added, said = contents(self.root, path)
            problems += said + [f"{line} is gone" for line in before if line not in added]
            problems += [f"{line} is missing" for line in UPDATE if line not in added]
            problems += self._step(path, None, ours | BY_ROOT, added)
        return problems or self._step(path, ["add"], again | BY_ROOT, added)

    def _add_objects_to(self, name):
        path = self.work / f"updated_{name}.root"
        shutil.copy(self.work / "made" / f"{name}.root", path)
        return self._update(path) or self._step(path, None, made.FILES[name] | BY_ROOT, UPDATE)

    def with_uproot(self, python):
        """A file that uproot made, to which the project adds; and files of the project to which uproot adds."""
        section = Section("uproot adds to files, and the project to files of uproot")
        script = HERE / "write_uproot.py"
        histograms = ["histogram;1 TH1D 100 100 49.5", "folder/histogram;1 TH1D 50 50 24.5"]
        path = self.work / "from_uproot.root"
        problems = failure(run([python, script, "make", path]))
        if not problems:
            numbers = [{"id": i, "values": [i * 0.5] * (i % 3)} for i in range(30)]
            ntuples = {"ours": made.events(0, 100), "deep/er/ours": made.events(100, 150), "by_uproot": numbers}
            problems += self._step(path, ["add"], ntuples, histograms)
        section.judge("made by uproot", problems)
        for name in ("plain", "time_uuid", "small"):
            path = self.work / f"uproot_{name}.root"
            shutil.copy(self.work / "made" / f"{name}.root", path)
            problems = failure(run([python, script, "update", path]))
            if not problems:
                # uproot spoils the streamer info of files with RNTuples: JSROOT does not read them any more
                readers = [reader for reader in self.readers if reader.name != "JSROOT"]
                problems = self._step(path, None, made.FILES[name], histograms, readers)
            section.judge(f"{name} updated by uproot", problems)
        return [section.end()]

    def large(self):
        """A file of more than 2 GiB, to which ROOT then adds objects."""
        section = Section("a file of more than 2 GiB")
        path = self.work / "large.root"
        done = run([self.example, "large", path])
        if done.returncode:
            raise RuntimeError(f"the example failed: {done.stderr}")
        small = {"first": made.events(0, 100), "behind/last": made.events(100, 200)}
        section.judge("read by the project itself", own_file(self.rntuple, path, small))
        for state, more in (("as it was written", {}), ("updated by ROOT", BY_ROOT)):
            problems = self._update(path) if more else []
            out = path.with_suffix(f".{len(more)}")
            end = self.root.dump([(path, out)])[str(out)]
            problems += root_file(out, end, small | more | {"big": None}, holes=bool(more))
            big = dumps.load(out)["big"]["values"]
            count, start = big["number"].get("count"), big["number"]["head"]
            if count != big["half"].get("count") or start != list(range(200)):
                problems.append(f"big: {count} values, {start[:5]}...")
            last = 48 * (1 << 22)
            for name, scale in (("number", 1), ("half", 0.5)):
                problems += first_difference(f"big: {name}", [i * scale for i in range(last - 50, last)], big[name]["tail"])
            section.judge(state, problems + (own_file(self.rntuple, path, small | more) if more else []))
        path.unlink()
        return [section.end()]

    def _update(self, path):
        done = self.root.run(self.work / "root_files", "update", path)
        said = [line for line in done.stderr.splitlines() if not NO_DICTIONARY.search(line)]
        return [f"update by ROOT: exit {done.returncode}"] * bool(done.returncode) + said

    def _step(self, path, command, ntuples, objects, readers=None):
        """Lets the example change a file, if there is a command, and everybody look at it."""
        if command:
            done = run([self.example, *command, path])
            if done.returncode:
                return [f"{command}: {done.stderr.strip()}"]
        out = path.with_suffix(".step")
        ends = self.root.dump([(path, out)])
        problems = own_file(self.rntuple, path, ntuples)
        problems += root_file(out, ends[str(out)], ntuples, holes=True)
        now, said = contents(self.root, path)
        said = [line for line in said if not NO_DICTIONARY.search(line)]
        problems += said + [f"{line} changed or is gone" for line in objects if line not in now]
        for reader in self.readers if readers is None else readers:
            report = path.with_suffix(f".{reader.name}")
            reader.read([(path, report)])
            name = f"made/{path.stem.removeprefix('updated_')}"
            lists = known.JSROOT if reader.name == "JSROOT" else known.UPROOT
            problems += [f"{reader.name}: {problem}" for problem in reader_file(reader, report, ntuples)
                         if not known.reason(lists, name, problem) and not known.reason(lists, "made/any", problem)]
        return problems

    def continued(self):
        """Entries appended to RNTuples that ROOT wrote: the last ten ones once more."""
        section = Section("entries appended to golden files, read by ROOT")
        library = self.work / "libgolden.so"
        jobs = []
        for name in CONTINUED:
            copy = self.work / f"appended_{name}.root"
            shutil.copy(self.vectors / f"{name}.root", copy)
            listed = json.loads(run([self.rntuple, "ls", "--json", copy]).stdout)
            path = [ntuple["path"] for ntuple in listed if ntuple["newest"]][-1]
            done = run([self.example, "append", copy, path])
            before = self.work / f"vectors__{name}.before"
            jobs.append((name, path, copy, before, copy.with_suffix(""), done))
        files = [(self.vectors / f"{name}.root", before) for name, _, _, before, _, _ in jobs]
        ends = self.root.dump(files + [(copy, out) for _, _, copy, _, out, done in jobs if not done.returncode], library)
        for name, path, copy, before, out, done in jobs:
            if done.returncode:
                section.judge(name, [done.stderr.strip()[-300:]])
                continue
            problems = [] if ends[str(out)] == "ok" else [ends[str(out)]]
            problems += own_file(self.rntuple, copy, {})
            if not problems:
                problems += appended(dumps.load(before)[disguised(path)], dumps.load(out).get(disguised(path), {}))
            usual = dumps.sayings(before)
            problems += [f"ROOT says: {line}" for line in dumps.sayings(out) if line not in usual]
            section.judge(name, problems)
        return [section.end()]


def failure(done):
    return [f"exit {done.returncode}: {done.stderr.strip()[-300:]}"] if done.returncode else []


# What `root_files update` adds.
BY_ROOT = {"by_root": made.events(0, 60)}
UPDATE = ["added;1 TH1F 300 150 24.5", "small;1 TNamed fits into a hole", "added_tree;1 TTree 50 2500",
          "new_directory/added;1 TH1F 20 10 9.5", "last;1 TNamed written last"]


# Golden files to which entries are appended; of several RNTuples, to the last one.
CONTINUED = ["integers", "floats", "aliases", "sequences", "clusters", "cluster_groups", "classes", "nullables",
             "indexes_raw", "extension", "no_checksums", "tfile_raw", "big_header", "directories", "compression_404",
             "unicode_names", "projections", "atomics_enums", "untyped", "with_objects", "streamer", "many_keys"]


def hadd_problems(done):
    """What hadd says beyond what it says of any RNTuple."""
    usual = ("Merging RNTuples is experimental", "Sources and Target have different compression settings",
             "hadd merging will be slower", "no dictionary for class", "Info in <hadd>")
    said = [line for line in done.stderr.splitlines() if not any(text in line for text in usual)]
    return [f"exit {done.returncode}"] * bool(done.returncode) + said


def appended(before, after):
    """What is wrong with an RNTuple that was given its last ten entries again."""
    more = min(10, before["entries"])
    problems = dumps.compare({**before, "entries": before["entries"] + more}, after, values=False)
    for name, old in before["values"].items():
        new = after.get("values", {}).get(name, {"error": "it is not there"})
        if "error" in old:
            continue
        if "error" in new:
            problems.append(f"field {name}: {new['error']}")
            continue
        ended = (old["head"] + old["tail"])[-more:]
        got = (new["head"] + new["tail"])[-more:]
        start = min(len(old["head"]), len(new["head"]))
        problems += first_difference(f"field {name}, old entries", old["head"][:start], new["head"][:start])
        problems += first_difference(f"field {name}, new entries", ended, got)
    return problems
