#!/bin/bash
# make.sh VENV_DIR: writes every golden file of this folder again, and what ROOT reads from it.
# Needs bash, g++ and Python 3. Takes ROOT from PyPI into VENV_DIR (about 250 MB) unless it is there already.
set -euo pipefail
venv=$(realpath -m "${1:?usage: make.sh VENV_DIR}")
here=$(cd "$(dirname "$0")" && pwd)
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q --pre ROOT
fi
ROOTSYS=$("$venv/bin/python" -c 'import os, sysconfig; print(os.path.join(sysconfig.get_paths()["purelib"], "ROOT"))')
export ROOTSYS
export PATH="$ROOTSYS/bin:$venv/bin:$PATH"
export LD_LIBRARY_PATH="$ROOTSYS/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
flags=(-O1 -g0 -std=c++17 -pthread -m64 "-I$ROOTSYS/include" "-I$here")
libs=("-L$ROOTSYS/lib" -lCore -lImt -lRIO -lHist -lMathCore -lThread -lROOTVecOps -lROOTNTuple "-Wl,-rpath,$ROOTSYS/lib")

build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
cd "$build"

# the dictionaries of the classes in classes.hpp
rootcling -f dictionary.cpp -s libgolden.so "-I$here" classes.hpp "$here/LinkDef.h"
g++ "${flags[@]}" -fPIC -shared -o libgolden.so dictionary.cpp "${libs[@]}"

for source in write write_columns write_fields write_classes write_structure dump pages; do
  g++ "${flags[@]}" -c -o $source.o "$here/$source.cpp"
done
golden=(-L. -Wl,--no-as-needed -lgolden "-Wl,-rpath,$build")
g++ -o write write.o write_*.o "${golden[@]}" "${libs[@]}"
g++ -o dump dump.o "${libs[@]}"
g++ -o pages pages.o "${golden[@]}" "${libs[@]}"

mkdir out
./write out
for file in out/*.root; do
  how=("$build/libgolden.so")
  case "$file" in
    # ROOT 6.40 writes a structure of arrays but reads it only as the collection of records that it is on disk
    out/soa.root) how=() ;;
    # ROOT 6.40 does not know the type name that it wrote
    out/map_optional.root) how+=(map 'std::vector<std::pair<char,std::optional<double>>>') ;;
    # the items in the order of the file, not in that of a hash table in memory
    out/associative.root)
      how+=(unordered_set 'std::vector<std::string>' unordered_multiset 'std::vector<float>'
            unordered_map 'std::vector<std::pair<std::string,std::int32_t>>'
            unordered_multimap 'std::vector<std::pair<std::int32_t,std::vector<std::string>>>') ;;
  esac
  ./dump "$file" out "${how[@]}" 2>> dump.log || printf 'MANIFEST %s\tdata\terror:ROOT aborts\n' "$(basename "$file")"
done > lists
# the entries without value are there
grep -q '"empty":null' out/variants.ndjson
for list in MANIFEST RANGES ATTRIBUTES STREAMS; do
  sed -n "s/^$list //p" lists | LC_ALL=C sort > out/$list.txt
done
mkdir scratch
./pages "$build/scratch" "$build/out"

rm -f "$here"/*.root "$here"/*.ndjson
mv out/* "$here"
echo "$(grep -c . "$here/MANIFEST.txt") data sets in $here"
