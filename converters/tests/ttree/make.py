#!/usr/bin/env python3
"""Writes the small TTree files of the tests with ROOT, and the values that ROOT reads back from them, as JSON.

    python3 make.py BUILD_DIR [leaves|codecs|..]     # needs PyROOT, rootcling and a C++ compiler

For each tree of files/NAME.root there is files/NAME.TREE.json: a list with one object per entry.
"""
import array
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FILES = os.path.join(HERE, "files")


def library(build):
    """Builds the dictionary of the classes."""
    os.makedirs(build, exist_ok=True)
    header, linkdef = os.path.join(HERE, "classes.hpp"), os.path.join(HERE, "linkdef.h")
    subprocess.run(["rootcling", "-f", "dictionary.cxx", "-I" + HERE, header, linkdef], cwd=build, check=True)
    flags = subprocess.run(["root-config", "--cflags"], capture_output=True, text=True, check=True).stdout.split()
    command = ["c++", "-O1", "-fPIC", "-shared", *flags, "-I" + HERE, "dictionary.cxx", "-o", "libclasses.so"]
    subprocess.run(command, cwd=build, check=True)
    import ROOT

    ROOT.gInterpreter.AddIncludePath(HERE)
    ROOT.gInterpreter.Declare('#include "classes.hpp"')
    if ROOT.gSystem.Load(os.path.join(build, "libclasses.so")) < 0:
        sys.exit("cannot load the dictionary")
    return ROOT


def new_file(ROOT, name, compression=505):
    os.makedirs(FILES, exist_ok=True)
    here = os.getcwd()
    # The name is kept in the file: without the folder, wherever that is.
    os.chdir(FILES)
    file = ROOT.TFile(name + ".root", "RECREATE", "", compression)
    os.chdir(here)
    return file


def save(name, tree, rows):
    with open(os.path.join(FILES, f"{name}.{tree}.json"), "w") as out:
        out.write("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


LEAVES = """
struct Leaves {
   bool o; char b; unsigned char ub; short s; unsigned short us; int i; unsigned int ui;
   long long l; unsigned long long ul; long g; float f; double d;
   float f16; float f16r; double d32; double d32r; double d32b;
   int fixed[3]; double matrix[2][3]; char text[64];
   struct { int a; float b[2]; short c; } __attribute__((packed)) list;
   int nMuon; float pt[8]; int charge[8]; short pixels[8][2]; bool tight[8];
   unsigned char many; float other[8];
   struct { int n; float x[8]; } same;
};
Leaves leaves;
void fill(TTree &t, int entries) {
   auto &v = leaves;
   for (int e = 0; e < entries; ++e) {
      v.o = e % 2; v.b = e - 5; v.ub = 250 - e; v.s = -1000 * e; v.us = 65535 - e; v.i = -100000 * e; v.ui = 4000000000u - e;
      v.l = -(1ll << 40) * e; v.ul = 18000000000000000000ull - e; v.g = 1l << (e % 60); v.f = e / 3.f; v.d = -e / 7.;
      v.f16 = e * 1.37f; v.f16r = e * 0.11f; v.d32 = e / 3.; v.d32r = e * 0.0123; v.d32b = e * -2.71;
      for (int k = 0; k < 3; ++k) v.fixed[k] = 10 * e + k;
      for (int k = 0; k < 6; ++k) v.matrix[k / 3][k % 3] = e + k / 10.;
      snprintf(v.text, sizeof v.text, "%.*s%d", 3 * (e % 18), "one two three four five six seven eight nine ten eleven", e);
      if (e % 5 == 0) v.text[0] = 0;
      v.list.a = e; v.list.b[0] = e * 0.5f; v.list.b[1] = -e; v.list.c = e * 3;
      v.nMuon = e % 4;
      for (int k = 0; k < v.nMuon; ++k) { v.pt[k] = e + k / 8.f; v.charge[k] = k % 2 ? 1 : -1; v.pixels[k][0] = e; v.pixels[k][1] = k; v.tight[k] = k % 2; }
      v.many = (e * 3) % 5;
      for (int k = 0; k < v.many; ++k) v.other[k] = -e - k;
      v.same.n = e % 3;
      for (int k = 0; k < v.same.n; ++k) v.same.x[k] = e * 10 + k;
      t.Fill();
   }
}
std::string text_now() { return leaves.text; }
void book(TTree &t, int basket) {
   auto &v = leaves;
   t.Branch("o", &v.o, "o/O", basket); t.Branch("b", &v.b, "b/B", basket); t.Branch("ub", &v.ub, "ub/b", basket);
   t.Branch("s", &v.s, "s/S", basket); t.Branch("us", &v.us, "us/s", basket); t.Branch("i", &v.i, "i/I", basket);
   t.Branch("ui", &v.ui, "ui/i", basket); t.Branch("l", &v.l, "l/L", basket); t.Branch("ul", &v.ul, "ul/l", basket);
   t.Branch("g", &v.g, "g/G", basket); t.Branch("f", &v.f, "f/F", basket); t.Branch("d", &v.d, "d/D", basket);
   t.Branch("f16", &v.f16, "f16/f", basket); t.Branch("f16r", &v.f16r, "f16r/f[0,5,10]", basket);
   t.Branch("d32", &v.d32, "d32/d", basket); t.Branch("d32r", &v.d32r, "d32r/d[0,1,16]", basket);
   t.Branch("d32b", &v.d32b, "d32b/d[0,0,10]", basket);
   t.Branch("fixed", v.fixed, "fixed[3]/I", basket); t.Branch("matrix", v.matrix, "matrix[2][3]/D", basket);
   t.Branch("text", v.text, "text/C", basket);
   t.Branch("list", &v.list, "a/I:b[2]/F:c/S", basket);
   t.Branch("nMuon", &v.nMuon, "nMuon/I", basket);
   t.Branch("Muon_pt", v.pt, "Muon_pt[nMuon]/F", basket)->SetTitle("transverse momentum");
   t.Branch("Muon_charge", v.charge, "Muon_charge[nMuon]/I", basket);
   t.Branch("Muon_pixels", v.pixels, "Muon_pixels[nMuon][2]/S", basket);
   t.Branch("Muon_tight", v.tight, "Muon_tight[nMuon]/O", basket);
   t.Branch("many", &v.many, "many/b", basket); t.Branch("other.values", v.other, "other[many]/F", basket);
}
"""


def leaf_rows(ROOT, tree):
    numbers = "o b ub s us i ui l ul g f d f16 f16r d32 d32r d32b nMuon many".split()
    rows = []
    for _ in tree:
        row = {name: tree.GetLeaf(name).GetValue() for name in numbers}
        for name in "b ub s us i ui nMuon many".split():
            row[name] = int(row[name])
        row["o"] = bool(row["o"])
        for name in "l ul g".split():
            leaf = tree.GetLeaf(name)
            row[name] = int(leaf.GetTypedValue["Long64_t"](0))
        row["ul"] %= 1 << 64
        values = lambda name, start, n: [tree.GetLeaf(name).GetValue(start + k) for k in range(n)]
        row["fixed"] = [int(x) for x in values("fixed", 0, 3)]
        row["matrix"] = [values("matrix", 0, 3), values("matrix", 3, 3)]
        row["text"] = str(ROOT.text_now())
        branch = tree.GetBranch("list")
        leaf = lambda name: branch.GetLeaf(name)
        row["list"] = {"a": int(leaf("a").GetValue()), "b": [leaf("b").GetValue(k) for k in range(2)], "c": int(leaf("c").GetValue())}
        n = row["nMuon"]
        row["Muon_pt"] = values("Muon_pt", 0, n)
        row["Muon_charge"] = [int(x) for x in values("Muon_charge", 0, n)]
        row["Muon_pixels"] = [[int(x) for x in values("Muon_pixels", 2 * k, 2)] for k in range(n)]
        row["Muon_tight"] = [bool(x) for x in values("Muon_tight", 0, n)]
        keys = ["pt", "charge", "pixels", "tight"]
        row["Muon"] = [dict(zip(keys, item)) for item in zip(*(row["Muon_" + key] for key in keys))]
        other = tree.GetBranch("other.values").GetLeaf("other")
        row["other_values"] = [other.GetValue(k) for k in range(row["many"])]
        rows.append(row)
    return rows


def leaves(ROOT):
    """Leaf lists of every type, in baskets of few entries; the last ones lie in the record of the tree."""
    ROOT.gInterpreter.Declare(LEAVES)
    file = new_file(ROOT, "leaves", 101)
    tree = ROOT.TTree("t", "leaves")
    tree.SetAutoFlush(0)
    ROOT.book(tree, 256)
    ROOT.fill(tree, 60)
    tree.Write()
    save("leaves", "t", leaf_rows(ROOT, tree))
    file.Close()


def codecs(ROOT):
    """One tree in each codec, without any, and with offsets that counts tell."""
    for name, setting in [("none", 0), ("zlib", 109), ("lzma", 205), ("lz4", 404), ("zstd", 505)]:
        file = new_file(ROOT, "codec_" + name, setting)
        tree = ROOT.TTree("t", name)
        n, x, y = array.array("i", [0]), array.array("d", [0]), array.array("f", [0] * 4)
        tree.Branch("nHit", n, "nHit/I")
        tree.Branch("x", x, "x/D")
        tree.Branch("Hit_e", y, "Hit_e[nHit]/F")
        rows = []
        for e in range(300):
            n[0], x[0] = e % 4, e // 10
            for k in range(4):
                y[k] = e // 7 + k
            tree.Fill()
            values = list(y[: n[0]])
            rows.append({"nHit": n[0], "x": x[0], "Hit": [{"e": v} for v in values], "Hit_e": values})
        tree.Write("", ROOT.TObject.kOverwrite)
        file.Close()
        save("codec_" + name, "t", rows)
    file = new_file(ROOT, "generated_offsets")
    tree = ROOT.TTree("t", "offsets that counts tell")
    features = ROOT.TIOFeatures()
    features.Set(ROOT.Experimental.EIOFeatures.kGenerateOffsetMap)
    tree.SetIOFeatures(features)
    tree.SetAutoFlush(40)
    n, y = array.array("i", [0]), array.array("f", [0] * 4)
    tree.Branch("n", n, "n/I")
    tree.Branch("y", y, "y[n]/F")
    rows = []
    for e in range(100):
        n[0] = (e * 7) % 5 % 4
        for k in range(4):
            y[k] = e + k / 4
        tree.Fill()
        rows.append({"n": n[0], "y": list(y[: n[0]])})
    tree.Write()
    file.Close()
    save("generated_offsets", "t", rows)


def vectors(ROOT):
    """Containers as whole branches."""
    file = new_file(ROOT, "vectors")
    tree = ROOT.TTree("t", "containers")
    tree.SetAutoFlush(7)
    ROOT.gInterpreter.Declare("""
        #include <set>
        std::map<int, float> mif; std::map<std::string, std::vector<int>> msv; std::set<int> si;
        std::vector<Point> vp; std::vector<std::vector<Point>> vvp; std::vector<std::pair<int, float>> vpair; Point p; std::vector<Hit> vh;
        std::vector<bool> vb; std::vector<char> vc; std::vector<int> vi; std::vector<unsigned long> vul; std::vector<float> vf; std::vector<double> vd;
        std::vector<std::string> vs; std::vector<std::vector<float>> vvf; std::vector<std::vector<std::string>> vvs; std::string s;
        void next(int e) {
           vb.clear(); vc.clear(); vi.clear(); vf.clear(); vs.clear(); vvf.clear(); vvs.clear(); s.clear();
           for (int k = 0; k < e % 5; ++k) {
              vb.push_back(k % 2 == 0); vc.push_back(k - 2); vi.push_back(e * k - 3); vf.push_back(e + k / 2.f); vs.push_back(std::string(k * 100, 'x'));
              vvf.push_back(std::vector<float>(k, e)); vvs.push_back(std::vector<std::string>(k, std::to_string(e)));
           }
           vul.assign(e % 2, (1ul << 63) + e); vd.assign(e % 3, e / 3.);
           for (int k = 0; k < 7 * e; ++k) s += "long ";
           mif.clear(); msv.clear(); si.clear(); vp.clear(); vvp.clear(); vpair.clear(); vh.clear();
           for (int k = 0; k < e % 4; ++k) {
              mif[k] = e + k; msv[std::to_string(k)] = std::vector<int>(k, e); si.insert(e - k);
              vp.push_back({k + 0.5f, e * 1.}); vvp.push_back(vp); vpair.emplace_back(k, e);
              Hit h; h.id = k; h.energy = e; h.cells[1] = k; h.at.x = e; h.samples.assign(k, e); h.label = std::string(k, 'h'); vh.push_back(h);
           }
           p.x = e; p.y = -e;
        }
        void book_containers(TTree &t) {
           t.Branch("vb", &vb); t.Branch("vc", &vc); t.Branch("vi", &vi); t.Branch("vul", &vul); t.Branch("vf", &vf); t.Branch("vd", &vd);
           t.Branch("vs", &vs); t.Branch("vvf", &vvf); t.Branch("vvs", &vvs); t.Branch("s", &s);
           t.Branch("mif", &mif); t.Branch("msv", &msv); t.Branch("si", &si); t.Branch("vp0", &vp, 32000, 0);
           t.Branch("vvp", &vvp); t.Branch("vpair0", &vpair, 32000, 0); t.Branch("p0", &p, 32000, 0); t.Branch("vh0", &vh, 32000, 0);
           t.Branch("vp", &vp); t.Branch("p", &p); t.Branch("vh", &vh);
        }
    """)
    ROOT.book_containers(tree)
    point = lambda p: {"x": p.x, "y": p.y}
    hit = lambda h: {
        "id": h.id, "energy": h.energy, "cells": [h.cells[0], h.cells[1]], "at": point(h.at), "samples": list(h.samples), "label": str(h.label)
    }
    rows = []
    for e in range(20):
        row = {}
        ROOT.next(e)
        tree.Fill()
        row["vb"] = [bool(x) for x in ROOT.vb]
        row["vc"] = [k - 2 for k in range(e % 5)]
        for name in "vi vul vf vd".split():
            row[name] = list(getattr(ROOT, name))
        row["vs"] = [str(x) for x in ROOT.vs]
        row["vvf"] = [list(x) for x in ROOT.vvf]
        row["vvs"] = [[str(x) for x in inner] for inner in ROOT.vvs]
        row["s"] = str(ROOT.s)
        row["mif"] = [{"_0": k, "_1": v} for k, v in ROOT.mif]
        row["msv"] = [{"_0": str(k), "_1": list(v)} for k, v in ROOT.msv]
        row["si"] = sorted(ROOT.si)
        row["vp0"] = row["vp"] = [point(p) for p in ROOT.vp]
        row["vvp"] = [[point(p) for p in inner] for inner in ROOT.vvp]
        row["vpair0"] = [{"_0": it.first, "_1": it.second} for it in ROOT.vpair]
        row["p0"] = row["p"] = point(ROOT.p)
        row["vh0"] = row["vh"] = [hit(h) for h in ROOT.vh]
        rows.append(row)
    tree.Write()
    file.Close()
    save("vectors", "t", rows)


def objects(ROOT):
    """Objects, split and whole, and the items of a split TClonesArray."""
    ROOT.gInterpreter.Declare("""
        Event event, *pevent = &event; TClonesArray tracks("Track"), *ptracks = &tracks; float weights[4];
        void next_event(int e) {
           event.run = 7; event.number = 1ll << (e + 20); event.good = e % 2; event.mass = e / 3.; event.angle = e * 0.4;
           event.name = TString('n', e); event.comment = std::string(e * 20, 'c'); event.n = e % 4; event.weights = weights;
           for (int k = 0; k < 4; ++k) { weights[k] = e + k; event.matrix[k / 2][k % 2] = e * k; }
           event.vertex.x = e; event.vertex.y = e * 2; event.tags.assign(e % 3, e); event.scores.clear(); event.hits.clear();
           tracks.Clear();
           for (int k = 0; k < e % 4; ++k) {
              event.scores[k] = e;
              Hit h; h.id = k; h.energy = e; h.cells[0] = -k; h.at.y = k; h.samples.assign(k + 1, k); h.label = std::string(k, 'h'); event.hits.push_back(h);
              auto t = (Track *)tracks.ConstructedAt(k); t->px = e + k; t->layers[2] = k;
           }
        }
        void book_events(TTree &t) {
           t.Branch("event.", &pevent); t.Branch("flat", &pevent, 32000, 99); t.Branch("once.", &pevent, 32000, 1); t.Branch("whole", &pevent, 32000, 0);
           t.Branch("tracks", &ptracks);
        }
    """)
    file = new_file(ROOT, "objects")
    tree = ROOT.TTree("t", "objects")
    tree.SetAutoFlush(6)
    ROOT.book_events(tree)
    rows = []
    point = lambda p: {"x": p.x, "y": p.y}
    hit = lambda h: {
        "id": h.id, "energy": h.energy, "cells": [h.cells[0], h.cells[1]], "at": point(h.at), "samples": list(h.samples), "label": str(h.label)
    }
    for e in range(16):
        ROOT.next_event(e)
        tree.Fill()
        event = ROOT.event
        row = {
            "run": event.run, "number": event.number, "good": event.good, "mass": event.mass, "angle": event.angle, "name": str(event.name),
            "comment": str(event.comment), "n": event.n, "weights": [event.weights[k] for k in range(event.n)],
            "matrix": [[event.matrix[a][b] for b in range(2)] for a in range(2)], "vertex": point(event.vertex), "tags": list(event.tags),
            "scores": [{"_0": k, "_1": v} for k, v in event.scores], "hits": [hit(h) for h in event.hits],
        }
        tracks = [
            {"px": t.px, "layers": [t.layers[k] for k in range(3)]} for t in (ROOT.tracks.At(k) for k in range(ROOT.tracks.GetEntriesFast()))
        ]
        rows.append({"event": row, "tracks": tracks})
    tree.Write()
    tree.ResetBranchAddresses()
    file.Close()
    # These are not stored as they were.
    file = ROOT.TFile(os.path.join(FILES, "objects.root"))
    for name in ("mass", "angle"):
        file.Get("t").Draw("event." + name, "", "goff")
        for e, row in enumerate(rows):
            row["event"][name] = file.Get("t").GetV1()[e]
    file.Close()
    save("objects", "t", rows)


def cycles(ROOT):
    """Directories, cycles, TNtuple and TNtupleD, friends."""
    file = new_file(ROOT, "cycles")
    for path, values in [("", [1]), ("", [2, 3]), ("a/b", [4])]:
        directory = (file.Get(path) or file.mkdir(path)) if path else file
        directory.cd()
        x = array.array("i", [0])
        tree = ROOT.TTree("t", "tree")
        tree.Branch("x", x, "x/I")
        for x[0] in values:
            tree.Fill()
        tree.Write()
    file.cd()
    ntuple = ROOT.TNtuple("nt", "ntuple", "px:py")
    ntuple.Fill(1.5, -2)
    ntuple.Write()
    double = ROOT.TNtupleD("ntd", "ntuple", "z:w")
    double.Fill(0.1, 0.2)
    double.Write()
    file.Close()
    file = new_file(ROOT, "friends")
    first, second = ROOT.TTree("first", ""), ROOT.TTree("second", "")
    for tree in (first, second):
        ROOT.SetOwnership(tree, False)
    x = array.array("i", [1])
    for tree in (first, second):
        tree.Branch("x", x, "x/I")
        tree.Fill()
    first.AddFriend(second)
    first.Write()
    first.RemoveFriend(second)
    second.Write()
    file.Close()


def large_basket(ROOT):
    """A basket of more than 16 MiB: several blocks of compressed data."""
    file = new_file(ROOT, "large_basket", 505)
    tree = ROOT.TTree("t", "large")
    tree.SetAutoFlush(0)
    ROOT.gInterpreter.Declare("""
        void fill_large(TTree &t) {
           double x; t.Branch("x", &x, "x/D", 64 << 20);
           for (int e = 0; e < 2500000; ++e) { x = e / 500000; t.Fill(); }
           t.ResetBranchAddresses(); t.FlushBaskets();
        }
    """)
    ROOT.fill_large(tree)
    tree.Write()
    file.Close()


if __name__ == "__main__":
    ROOT = library(sys.argv[1])
    for make in (leaves, codecs, vectors, objects, cycles, large_basket):
        if sys.argv[2:] and make.__name__ not in sys.argv[2:]:
            continue
        make(ROOT)
