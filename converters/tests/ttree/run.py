#!/usr/bin/env python3
"""Imports public TTree files, and compares every value with what uproot reads from the same trees.

    python3 run.py --rntuple BIN --peers VENV [--data DIR] [--root] [FILE ..]

VENV is a virtual environment with uproot, awkward and scikit-hep-testdata, whose files are downloaded to its cache,
unless they are in DIR. With --root, some files are also imported by ROOT's own RNTupleImporter (VENV must have PyROOT)
and the results compared. Exit status 1 after a wrong value, or a tree that fails though nothing of it was refused; 77 if files cannot be
downloaded.
"""
import argparse
import json
import math
import os
import struct
import subprocess
import sys
import tempfile
import warnings

warnings.simplefilter("ignore")
IMPORTED = ["uproot-HZZ.root", "nanoAOD_2015_CMS_Open_Data_ttbar.root", "uproot-Zmumu.root", "uproot-small-flat-tree.root"]


SKIPPED = 77


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rntuple", required=True)
    parser.add_argument("--peers", required=True)
    parser.add_argument("--data")
    parser.add_argument("--root", action="store_true")
    parser.add_argument("files", nargs="*")
    args = parser.parse_args()
    python = os.path.join(args.peers, "bin", "python")
    if os.path.realpath(sys.prefix) != os.path.realpath(args.peers):
        os.execv(python, [python, os.path.abspath(__file__), *sys.argv[1:]])
    return args


def known_files(args):
    if args.data:
        names = args.files or [name for name in os.listdir(args.data) if name.endswith(".root")]
        return [os.path.join(args.data, name) for name in sorted(names)]
    import skhep_testdata

    names = args.files or [name for name in skhep_testdata.known_files if name.endswith(".root")]
    try:
        return [skhep_testdata.data_path(name) for name in sorted(names)]
    except OSError as error:
        print(f"skipped: the public files cannot be downloaded: {error}")
        sys.exit(SKIPPED)


def relative(name, above):
    for prefix in above:
        if name.startswith(prefix.rstrip(".") + "."):
            name = name[len(prefix.rstrip(".")) + 1 :]
            break
    out, depth = "", 0
    for c in name:
        depth += (c == "[") - (c == "]")
        if depth == 0 and c not in "[]":
            out += c
    return [part for part in out.split(".") if part]


def leaves(tree):
    """Branches with data, each with the path of its field."""

    def below(branch, above, path):
        for child in branch.branches:
            kind = child.member("fType") if child.has_member("fType") else 0
            if kind == 1 and child.branches:
                yield from below(child, [child.member("fName"), *above], path)
                continue
            if kind == 1 and (child.member("fTotBytes") == 0 or child.num_baskets == 0):
                # A base class without members has nothing to read.
                continue
            here = path + relative(child.member("fName"), above)
            if child.branches:
                yield from below(child, [child.member("fName")], here)
            else:
                yield child, here

    for branch in tree.branches:
        name = branch.member("fName")
        here = [name.rstrip(".").replace(".", "_").replace("/", "_")]
        if branch.branches:
            yield from below(branch, [name], here)
        else:
            yield branch, here


class Missing(Exception):
    pass


def pick(value, path):
    for i, name in enumerate(path):
        if isinstance(value, list):
            return [pick(item, path[i:]) for item in value]
        # Maps have pairs with the names of RNTuple.
        name = {"first": "_0", "second": "_1"}.get(name, name) if name not in value else name
        if name not in value:
            raise Missing(name)
        value = value[name]
    return value


def flat(value):
    """The values of records one after the other, without names; lists stay lists."""
    out = []
    for name, item in value.items():
        if name == "TObject" or name.startswith("@") or name in ("fUniqueID", "fBits"):
            continue
        item = ours(item)
        out.extend(item.values) if isinstance(item, Record) else out.append(item)
    return Record(out)


class Record:
    def __init__(self, values):
        self.values = values

    def __repr__(self):
        return f"Record{self.values}"


def ours(value):
    if isinstance(value, dict):
        if "__bytes_hex__" in value:
            return bytes.fromhex(value["__bytes_hex__"]).decode("utf-8", "surrogateescape")
        return flat(value)
    if isinstance(value, list):
        return [ours(item) for item in value]
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(value.replace("Infinity", "inf"))
    return value


def theirs(value):
    import numpy
    import uproot

    if isinstance(value, uproot.model.Model):
        if hasattr(value, "_members") and type(value).__name__ == "Model_TString":
            return str(value)
        if isinstance(value, str):
            return str(value)
        out = []
        for base in value.bases:
            if type(base).__name__.startswith("Model_TObject"):
                continue
            base = theirs(base)
            out.extend(base.values) if isinstance(base, Record) else out.append(base)
        for name, item in value._members.items():
            if name.startswith("@"):
                continue
            item = theirs(item)
            out.extend(item.values) if isinstance(item, Record) else out.append(item)
        return Record(out)
    if isinstance(value, uproot.containers.STLMap):
        return [theirs((k, v)) for k, v in zip(value.keys(), value.values())]
    if isinstance(value, (uproot.containers.Container, numpy.ndarray)):
        if isinstance(value, numpy.ndarray) and value.dtype.names:
            return [theirs(item) for item in value]
        return [theirs(item) for item in value]
    if isinstance(value, numpy.void):
        return theirs({name: value[name] for name in value.dtype.names})
    if isinstance(value, dict):
        out = []
        for name, item in value.items():
            if name.startswith("@"):
                continue
            item = theirs(item)
            out.extend(item.values) if isinstance(item, Record) else out.append(item)
        return Record(out)
    if isinstance(value, tuple):
        return theirs({str(i): item for i, item in enumerate(value)})
    if isinstance(value, list):
        return [theirs(item) for item in value]
    if isinstance(value, set):
        return sorted(theirs(item) for item in value)
    if isinstance(value, numpy.generic):
        return value.item()
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value


def single(value):
    return struct.unpack("f", struct.pack("f", value))[0] if abs(value) < 3.5e38 else value


def same(a, b):
    if isinstance(a, Record) and isinstance(b, Record):
        return len(a.values) == len(b.values) and all(map(same, a.values, b.values))
    if isinstance(a, Record) and len(a.values) == 1:
        return same(a.values[0], b)
    if isinstance(b, Record) and len(b.values) == 1:
        return same(a, b.values[0])
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) or isinstance(b, float):
        if isinstance(a, (str, list, Record)) or isinstance(b, (str, list, Record)):
            return False
        if PACKED and abs(a - b) <= 1e-6 * max(1, abs(a)):
            # uproot computes packed numbers in another way than ROOT, whose values the tests of the crate have.
            return True
        # A float32 is printed in as few digits as tell it apart from others.
        return a == b or (math.isnan(a) and math.isnan(b)) or (single(b) == b and single(a) == b)
    return a == b


PACKED = False
# Branches of which uproot gives other values than ROOT (TTree::Scan), which gives ours.
UPROOT_WRONG = {
    (
        "uproot-issue-513.root",
        "ROOT::Math::DisplacementVector3D<ROOT::Math::Cartesian3D<float>,ROOT::Math::DefaultCoordinateSystemTag>",
    ),
    ("uproot-issue433-splitlevel2.root", "KM3NETDAQ::JDAQUTCExtended"),
}


def first_difference(a, b):
    for i, (x, y) in enumerate(zip(a, b)):
        if x != y and not same(x, y):
            return f"entry {i}: {str(x)[:150]} instead of {str(y)[:150]}"
    return None if len(a) == len(b) else f"{len(a)} entries instead of {len(b)}"


def convert(args, file, tree, out):
    """Returns the branches that are left out, with reasons; raises what else went wrong."""
    command = [args.rntuple, "convert", "--from", "ttree", file, out, "--tree", tree, "--name", "t", "-q"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 0:
        return []
    done = subprocess.run([*command, "--fields", "*"], capture_output=True, text=True)
    if done.returncode != 0:
        if os.path.exists(out):
            raise AssertionError("an output was left behind")
        last = done.stderr.strip().splitlines()[-1]
        raise (Refused if "has no branch" in last else AssertionError)(last[:300])
    return [line.split("branch ", 1)[-1] for line in done.stderr.splitlines() if line.startswith("rntuple: warning")]


class Refused(Exception):
    pass


def check_tree(args, file, name, tree):
    """Status, and what there is to say."""
    import uproot

    with tempfile.TemporaryDirectory() as directory:
        out = os.path.join(directory, "out.root")
        try:
            left_out = convert(args, file, name, out)
        except Refused as e:
            return "refused", [str(e)]
        except AssertionError as e:
            return "FAILED", [str(e)]
        shown = subprocess.run([args.rntuple, "show", out, "--format", "ndjson"], capture_output=True)
        if shown.returncode != 0:
            return "FAILED", [shown.stderr.decode()[:300]]
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    if len(rows) != tree.num_entries:
        return "FAILED", [f"{len(rows)} entries instead of {tree.num_entries}"]
    notes, compared, unread, wrong = [], 0, 0, 0
    global PACKED
    omitted = {line.split("'")[1] for line in left_out if line.count("'") >= 2}
    for branch, path in leaves(tree):
        full = branch.member("fName")
        try:
            mine = [ours(pick(row, path)) for row in rows]
        except Missing as e:
            if full not in omitted and not any(full.startswith(o) for o in omitted) and full.rstrip(".") not in omitted:
                if rows:
                    notes.append(f"{full}: not in the output ({e})")
                    wrong += 1
            continue
        try:
            try:
                values = branch.array(library="ak").to_list()
            except Exception:
                values = list(branch.array(library="np"))
            values = [theirs(value) for value in values]
        except Exception as e:
            unread += 1
            notes.append(f"{full}: uproot: {type(e).__name__}: {str(e).strip().splitlines()[0][:100] if str(e).strip() else ''}")
            continue
        if (os.path.basename(file), branch.typename) in UPROOT_WRONG:
            unread += 1
            continue
        values = values[: int(tree.num_entries)]
        PACKED = "Double32_t" in branch.typename or "Float16_t" in branch.typename
        difference = first_difference(mine, values)
        if difference and isinstance(branch.interpretation, uproot.interpretation.objects.AsObjects):
            try:
                values = [theirs(value) for value in branch.array(library="np")]
                difference = first_difference(mine, values)
            except Exception:
                pass
        if difference and "[][" in branch.typename and all(isinstance(v, list) and len(v) == 1 for v in values):
            # uproot puts arrays of objects into lists of one.
            difference = first_difference(mine, [value[0] for value in values])
        if difference:
            wrong += 1
            notes.append(f"{full} ({branch.typename}): {difference}")
        else:
            compared += 1
    notes = [f"{compared} branches equal, {unread} not read by uproot, {len(left_out)} left out"] + notes
    notes += [f"left out: {line[:250]}" for line in left_out]
    status = "WRONG" if wrong else "equal in part" if left_out or unread else "equal"
    return status, notes


def check_importer(args, file):
    """The same values as ROOT's importer gives."""
    with tempfile.TemporaryDirectory() as directory:
        import uproot

        trees = [key for key, kind in uproot.open(file).classnames().items() if kind.startswith("TTree")]
        tree = trees[0].split(";")[0]
        root, mine = os.path.join(directory, "root.root"), os.path.join(directory, "mine.root")
        script = (
            "import ROOT\n"
            "I = getattr(ROOT, 'RNTupleImporter', None) or ROOT.Experimental.RNTupleImporter\n"
            f"i = I.Create({file!r}, {tree!r}, {root!r})\ni.SetIsQuiet(True)\ni.SetNTupleName('t')\ni.Import()\n"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        if done.returncode != 0 or not os.path.exists(root):
            return "ROOT failed", [(done.stderr.strip().splitlines() or [""])[-1][:200]]
        convert(args, file, tree, mine)
        read = lambda path: [
            json.loads(line)
            for line in subprocess.run([args.rntuple, "show", path, "--format", "ndjson"], capture_output=True, check=True).stdout.splitlines()
        ]
        a, b = read(mine), read(root)
        names = [name for name in (b[0] if b else {}) if not name.startswith("_collection")]
        missing = [name for name in names if a and name not in a[0]]
        if missing or len(a) != len(b):
            return "WRONG", [f"missing {missing[:5]}, {len(a)} entries instead of {len(b)}"]
        for name in names:
            flat_list = lambda v: [x for y in v for x in flat_list(y)] if isinstance(v, list) else [v]
            for i, (x, y) in enumerate(zip(a, b)):
                if not same(flat_list(ours(x[name])), flat_list(ours(y[name]))):
                    return "WRONG", [f"{name}, entry {i}: {str(x[name])[:100]} instead of {str(y[name])[:100]}"]
        return "equal", [f"{len(names)} fields, {len(a)} entries"]


def main():
    args = arguments()
    import uproot

    counts = {}
    for file in known_files(args):
        try:
            opened = uproot.open(file)
            trees = {key: kind for key, kind in opened.classnames().items() if kind in ("TTree", "TNtuple", "TNtupleD")}
        except Exception as e:
            print(f"-- {os.path.basename(file)}: uproot cannot open it: {type(e).__name__}")
            continue
        for key in trees:
            try:
                tree = opened[key]
            except Exception as e:
                status, notes = "uproot cannot read", [type(e).__name__]
            else:
                status, notes = check_tree(args, file, key, tree)
            counts[status] = counts.get(status, 0) + 1
            print(f"{status}: {os.path.basename(file)} {key}: {'; '.join(notes[:1])}", flush=True)
            for note in notes[1:]:
                print(f"      {note}", flush=True)
        if args.root and os.path.basename(file) in IMPORTED:
            status, notes = check_importer(args, file)
            counts["importer " + status] = counts.get("importer " + status, 0) + 1
            print(f"importer {status}: {os.path.basename(file)}: {'; '.join(notes)}", flush=True)
    print("\n" + "\n".join(f"{count:6} {status}" for status, count in sorted(counts.items())))
    return 1 if any(status.split()[-1] in ("WRONG", "FAILED") for status in counts) else 0


if __name__ == "__main__":
    sys.exit(main())
