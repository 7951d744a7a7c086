"""read_uproot.py < LIST: what uproot reads from files. Each line of LIST is FILE<TAB>OUT.json; OUT.json gets, for each
RNTuple by its path, the values of each top-level field in the first entries, or why there are none."""
import json
import sys
import warnings

import awkward
import uproot

ENTRIES = 2000


def plain(value):
    """A value that JSON can hold."""
    if isinstance(value, (bytes, bytearray)):
        return {"__bytes_hex__": value.hex()}
    if isinstance(value, str):
        return value.encode("utf8", "surrogateescape").decode("latin-1")
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return repr(value)


def why(error):
    return {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}


def read_field(field):
    try:
        array = field.array(entry_stop=ENTRIES)
        return {"values": [plain(value) for value in awkward.to_list(array)]}
    except Exception as error:
        return why(error)


def read_ntuple(ntuple):
    fields = {field.name: {"type": field.typename, **read_field(field)} for field in ntuple.fields}
    clusters = [cluster.num_entries for cluster in ntuple.cluster_summaries]
    return {"entries": ntuple.num_entries, "clusters": clusters, "groups": 1, "fields": fields}


def read(path):
    with uproot.open(path) as file:
        result = {}
        for key, kind in file.classnames(recursive=True, cycle=False).items():
            if kind == "ROOT::RNTuple":
                try:
                    result[key] = read_ntuple(file[key])
                except Exception as error:
                    result[key] = why(error)
        return result


warnings.simplefilter("ignore")
for line in sys.stdin:
    path, out = line.rstrip("\n").split("\t")
    try:
        result = read(path)
    except Exception as error:
        result = why(error)
    with open(out, "w", encoding="ascii") as file:
        json.dump(result, file)
