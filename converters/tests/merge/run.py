#!/usr/bin/env python3
"""Holds what `rntuple merge` writes against ROOT's own merger, as read by ROOT and by uproot.

    run.py --rntuple target/release/rntuple [--peers target/interop] [--work DIR] [--only NAME]

Peers are those of ../interop, see its README.md. Every golden file and every file of the corpus is merged with itself by
`rntuple merge` and by `hadd -fk`, which leaves pages as they are; ROOT must read the same from both, and so must uproot.
Files of unlike compression and encoding are merged, and files with unlike fields in mode union.
"""
import argparse
import concurrent.futures
import pathlib
import re
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "interop"))
import dumps  # noqa: E402
import peers  # noqa: E402

# ROOT says this of any file with variants of classes, see WITH_DICTIONARIES in ../interop/known.py.
VARIANTS = re.compile(r"(Error|Warning) in <TStreamerInfo::Build>: .*\b_?_?variant(<|::)")
# Golden files with equal fields and unlike encodings or compressions.
UNLIKE = {
    "compressions": [f"compression_{n}" for n in (0, 101, 207, 404, 505)],
    "raw_first": ["integers_raw", "integers"],
    "raw_later": ["integers", "integers_raw"],
    "indexes_raw_first": ["indexes_raw", "indexes"],
    "indexes_raw_later": ["indexes", "indexes_raw"],
    "floats_raw_first": ["floats_raw", "floats"],
    "floats_raw_later": ["floats", "floats_raw"],
}
# Written by ROOT, merged in mode union by both.
UNION = """
import sys, ROOT
folder = sys.argv[1]
ROOT.gInterpreter.Declare(r'''
#include <ROOT/RNTupleModel.hxx>
#include <ROOT/RNTupleWriter.hxx>
#include <ROOT/RNTupleWriteOptions.hxx>
#include <ROOT/RField.hxx>
#include <array>
#include <optional>
#include <variant>
void union_file(const char *path, int fields, int from, int to, int compression) {
  auto model = ROOT::RNTupleModel::Create();
  auto x = model->MakeField<int>("x");
  std::shared_ptr<float> f; std::shared_ptr<std::vector<std::vector<float>>> v; std::shared_ptr<std::string> s;
  std::shared_ptr<std::array<std::int16_t, 3>> a; std::shared_ptr<std::optional<int>> o;
  std::shared_ptr<std::variant<int, float>> n; std::shared_ptr<bool> b; std::shared_ptr<std::pair<int, std::string>> p;
  if (fields & 1) { f = model->MakeField<float>("f"); v = model->MakeField<std::vector<std::vector<float>>>("v");
    s = model->MakeField<std::string>("s"); }
  if (fields & 2) { a = model->MakeField<std::array<std::int16_t, 3>>("a"); o = model->MakeField<std::optional<int>>("o");
    n = model->MakeField<std::variant<int, float>>("n"); b = model->MakeField<bool>("b");
    p = model->MakeField<std::pair<int, std::string>>("p"); }
  ROOT::RNTupleWriteOptions options; options.SetCompression(compression);
  auto writer = ROOT::RNTupleWriter::Recreate(std::move(model), "events", path, options);
  for (int i = from; i < to; ++i) {
    *x = i;
    if (f) { *f = i / 2.f; v->assign(i % 4, std::vector<float>(i % 3, i)); *s = std::string(i % 5, 'a' + i % 26); }
    if (a) { *a = {std::int16_t(i), std::int16_t(-i), 7}; if (i % 2) *o = i; else o->reset();
      if (i % 3) *n = i; else *n = i + .5f; *b = i % 2; *p = {i, std::to_string(i)}; }
    writer->Fill();
    if (i % 20 == 19) writer->CommitCluster();
  }
}
void union_merge(const char *out, const std::vector<std::string> &inputs) {
  TFileMerger merger(false, false);
  merger.SetMergeOptions(TString("rntuple.MergingMode=Union FirstSrcCompression"));
  merger.OutputFile(out, "RECREATE", 505);
  for (const auto &input : inputs) merger.AddFile(input.c_str(), false);
  if (!merger.Merge()) throw std::runtime_error("not merged");
}
''')
plans = {"late": [(0, 505), (1, 505), (2, 505)], "missing": [(3, 505), (0, 505), (1, 505)], "both": [(1, 505), (2, 505), (3, 505)]}
plans["unlike"] = [(1, 0), (2, 505), (3, 404), (0, 0)]
for name, plan in plans.items():
    inputs = []
    for i, (fields, compression) in enumerate(plan):
        inputs.append(f"{folder}/{name}_{i}.root")
        ROOT.union_file(inputs[-1], fields, 50 * i, 50 * i + 50, compression)
    try:
        ROOT.union_merge(f"{folder}/root_{name}.root", inputs)
    except Exception as error:
        print(f"{name}: {error}", file=sys.stderr)
    print(name, *inputs, sep="\\t")
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rntuple", type=pathlib.Path, required=True, help="the program")
    parser.add_argument("--peers", type=pathlib.Path, default=pathlib.Path("target/interop"), help="where peers are installed")
    parser.add_argument("--work", type=pathlib.Path, help="folder for all files, which stay [default: a temporary one]")
    parser.add_argument("--only", default="", help="only files with this in their names")
    parser.add_argument("--corpus", type=pathlib.Path, default=peers.HERE.parents[3] / "shared" / "corpus")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = (arguments.work or pathlib.Path(scratch)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        try:
            venv = peers.environment(arguments.peers.resolve())
            root = peers.Root(venv, work)
        except peers.Missing as why:
            print(f"ROOT cannot be had, so nothing was checked: {why}")
            return 1
        return check(arguments, root, peers.uproot(venv), work, venv)


def check(arguments, root, uproot, work, venv):
    rntuple = arguments.rntuple.resolve()
    inputs = {path.stem: [path, path] for path in sorted(peers.VECTORS.glob("*.root"))}
    if arguments.corpus.is_dir():
        inputs |= {f"{path.parent.name}-{path.stem}": [path, path] for path in sorted(arguments.corpus.glob("*/*.root"))}
    else:
        print("the corpus is not there: golden files only")
    inputs |= {name: [peers.VECTORS / f"{stem}.root" for stem in stems] for name, stems in UNLIKE.items()}
    inputs = {name: paths for name, paths in inputs.items() if arguments.only in name}

    def merge(item):
        name, paths = item
        ours, theirs = work / f"ours_{name}.root", work / f"hadd_{name}.root"
        done = peers.run([rntuple, "merge", "--quiet", ours, *paths])
        root.tool("hadd", "-fk", theirs, *paths)
        return name, (ours, theirs, done.stderr.strip() if done.returncode else None)

    with concurrent.futures.ThreadPoolExecutor(peers.PROCESSES) as pool:
        merged = dict(pool.map(merge, inputs.items()))
    made = root.run(peers.python(arguments.peers.resolve()), "-c", UNION, work)
    for line in made.stdout.splitlines():
        name, *paths = line.split("\t")
        ours = work / f"ours_union_{name}.root"
        done = peers.run([rntuple, "merge", "--quiet", "--mode", "union", ours, *paths])
        inputs[f"union {name}"] = paths
        merged[f"union {name}"] = (ours, work / f"root_{name}.root", done.stderr.strip() if done.returncode else None)
    if made.returncode or "late" not in made.stdout:
        print(f"the files for mode union could not be made: {made.stderr[-500:]}")
        return 1

    files = [path for ours, theirs, _ in merged.values() for path in (ours, theirs) if path.exists()]
    files += {pathlib.Path(path) for paths in inputs.values() for path in paths}
    pairs = [(path, work / "read" / f"{i}") for i, path in enumerate(dict.fromkeys(files))]
    (work / "read").mkdir(exist_ok=True)
    libraries = [work / "libgolden.so", work / "libstructs.so"]
    ends = root.dump(pairs, *libraries)
    uproot.read([(path, f"{out}.uproot.json") for path, out in pairs])
    outs = dict(pairs)
    counts = {"fine": 0, "not by hadd": 0}
    failed = []
    for name, (ours, theirs, refused) in merged.items():
        problems, by_hadd = judge(inputs[name], ours, theirs, refused, outs, ends)
        counts["fine"] += not problems
        counts["not by hadd"] += not by_hadd
        failed += [f"{name}: {problem}" for problem in problems]
    print(f"{counts['fine']} of {len(merged)} merges are right; in {counts['not by hadd']}, hadd failed, so that only entries "
          "were counted and the first half compared")
    for problem in failed:
        print(problem)
    return 1 if failed else 0


def read(out, ends):
    if ends.get(str(out)) != "ok":
        return {"error": ends.get(str(out))}
    return dumps.newest(dumps.load(out))


def judge(paths, ours, theirs, refused, outs, ends):
    """What is wrong, and whether hadd did as well."""
    originals = [read(outs[pathlib.Path(path)], ends) for path in paths]
    if refused is not None:
        known = "unsupported format feature" in refused or "there is no RNTuple" in refused
        return ([] if known else [f"refused: {refused}"]), True
    got = read(outs[ours], ends)
    if "error" in got:
        return [f"ROOT reads {got['error']}"], False
    problems = [f"ROOT says: {line}" for line in dumps.sayings(outs[ours]) if "no dictionary for class" not in line
                and not VARIANTS.match(line) and line not in {said for path in paths for said in dumps.sayings(outs[pathlib.Path(path)])}]
    problems += dumps.map_problems(outs[ours])
    want = read(outs[theirs], ends) if theirs in outs else {"error": "no file"}
    by_hadd = "error" not in want
    for path, ntuple in got.items():
        parts = [original[path] for original in originals if path in original]
        entries = sum(part["entries"] for part in parts)
        if ntuple["entries"] != entries:
            problems.append(f"{path}: {ntuple['entries']} entries, not {entries}")
        reference = want.get(path) if by_hadd else None
        if reference is None or reference.get("entries") != entries:
            by_hadd = False
            problems += halves(path, parts, ntuple)
        else:
            problems += [f"{path}: {line}" for line in dumps.compare_values(reference["values"], ntuple["values"])]
            problems += halves(path, parts, ntuple)
    if by_hadd:
        problems += same_by_uproot(outs[ours], outs[theirs], [outs[pathlib.Path(path)] for path in paths])
    return problems, by_hadd


def halves(path, parts, ntuple):
    """The first values must be those of the first input, the last ones those of the last."""
    problems = []
    for name, value in ntuple["values"].items():
        for part, where in ((parts[0], "head"), (parts[-1], "tail")):
            old = part.get("values", {}).get(name)
            if old is None or "error" in old:
                continue
            if "error" in value:
                problems.append(f"{path}: field {name}: {value['error']}")
                break
            a = old["head"] if where == "head" else (old["head"] + old["tail"])
            b = value["head"] if where == "head" else (value["head"] + value["tail"])
            n = min(len(a), len(b), 10)
            a, b = (a[:n], b[:n]) if where == "head" else (a[len(a) - n:], b[len(b) - n:])
            if dumps.json.dumps(a) != dumps.json.dumps(b):
                problems.append(f"{path}: field {name}: {where} {dumps.shorten(a)} became {dumps.shorten(b)}")
    return problems


def same_by_uproot(ours, theirs, originals):
    """What uproot reads must be what it reads from hadd's file, or from the inputs: of fields that begin late, it gets the
    former wrong."""
    a, b, *parts = (dumps.json.loads(pathlib.Path(f"{out}.uproot.json").read_text()) for out in (ours, theirs, *originals))
    problems = []
    for path, ntuple in b.items():
        if "fields" not in ntuple:
            continue
        fields = a.get(path, {}).get("fields")
        if fields is None:
            problems.append(f"uproot: {path}: {dumps.shorten(a.get(path))}")
            continue
        for name, want in ntuple["fields"].items():
            got = fields.get(name, {})
            inputs = [part.get(path, {}).get("fields", {}).get(name, {}).get("values", []) for part in parts]
            accepted = [dumps.json.dumps(values) for values in (want.get("values"), sum(inputs, []))]
            if "error" not in want and dumps.json.dumps(got.get("values")) not in accepted:
                problems.append(f"uproot: {path}: field {name}: {dumps.shorten(want)} by hadd, {dumps.shorten(got)} by us")
    return problems


if __name__ == "__main__":
    sys.exit(main())
