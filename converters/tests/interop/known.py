"""What the other implementations cannot do, as (files, problem, reason): patterns for the whole name of a file and for the
start of a problem. What is listed here is counted and shown, but is no failure."""
import re

WITHOUT_DICTIONARIES = [
    # ROOT 6.40 writes this for every class that it makes up, in files of its own as well.
    (r".*", r"ROOT says: Warning in <TClass::Init>: no dictionary for class (std::)?(variant|pair|tuple)<",
     "pairs, tuples and variants of classes are in the streamer info, so that ROOT can read them at all"),
]
WITH_DICTIONARIES = [
    (r"golden/(variants|variants_empty|members|no_entries_many_fields)",
     r"ROOT says: (Error|Warning) in <TStreamerInfo::Build>: .*\b_?_?variant(<|::)",
     "ROOT with dictionaries looks into std::variant when its streamer info is in the file; the values are right"),
]
JSROOT = [
    (r"made/no_(entries|fields)", r".*No valid cluster group", "JSROOT refuses data sets without entries"),
    (r"made/split_keys", r"", "JSROOT does not know payloads that are split over keys"),
    (r"made/checkpoints", r"", "JSROOT reads the first cluster group only; there is one per checkpoint"),
    (r"made/.*", r".*field (maybe|late_number|best|tracks|nested|boxed|half)\b",
     "JSROOT gives positions for optional values"),
    (r"made/derived.*", r".*field anonymous: .*No columns found", "JSROOT reads records of classes only"),
    (r"made/shared", r".*field hits: value", "JSROOT takes the first field of a name, wherever it is"),
    (r"made/shared", r".*field (detector|detectors|hit|hits): .*No columns found", "JSROOT does not know enums"),
    (r"made/(extended.*|reopened)", r".*field late_text: ", "JSROOT does not know columns that start later"),
    (r"golden/extension(_record_buffered)?", r"data: field (b|late_vector): ", "JSROOT does not know columns that start later"),
]
UPROOT = [
    (r"made/split_keys", r"", "uproot does not know payloads that are split over keys"),
    (r"golden/representations", r"data: field v: ", "uproot does not know representations that are not in use"),
    (r"made/derived_(more|none)", r".*field signals?: ", "uproot loses count in variants beyond the first cluster"),
]
HADD = [
    (r"derived.*", r"collisions: field signals?: ROOT crashes",
     "hadd leaves variants of classes out of the streamer info of its output; ROOT cannot do without"),
    (r"derived -f404", r"", "hadd cannot compress columns of 10 to 31 bits anew, those of ROOT's files neither"),
]


def reason(known, file, problem):
    """Why a problem is none of ours, if it is not."""
    for files, start, why in known:
        if re.fullmatch(files, file) and re.match(start, problem):
            return why
    return None
