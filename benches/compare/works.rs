//! What there is to do, by whom, and how fast we want to be.

use crate::data::{self, DataSet, flat, nano, wide};

/// Something that every contender does.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) data: &'static DataSet,
    /// The fields to read; none: all.
    pub(crate) columns: &'static [&'static str],
    /// The first one is us; the others are compared with it.
    pub(crate) contenders: Vec<Contender>,
}

/// Who does it.
#[derive(Debug)]
pub(crate) struct Contender {
    pub(crate) label: &'static str,
    pub(crate) program: Program,
    pub(crate) targets: Vec<Target>,
    /// Whom of us it is compared with; none: the first contender.
    pub(crate) than: Option<&'static str>,
    /// Left out when it has to be quick.
    pub(crate) slow: bool,
}

/// How it does it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Program {
    /// This program, as a child, by what [`crate::contenders::child`] understands.
    Child(&'static str),
    /// The same, reading the Parquet file.
    Parquet(&'static str),
    /// `peers/read.cpp` in a mode, with a number of threads.
    Root(&'static str, u32),
    /// `peers/write.cpp` with a number of threads, or `copy`.
    RootWrite(&'static str),
    /// `peers/awkward_read.py` with a module, in a mode.
    Awkward(&'static str, &'static str),
    /// `peers/pyarrow_read.py` with a number of threads.
    Pyarrow(u32),
}

/// What we want to be, against a contender.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    /// At least so many times faster.
    Faster(f64),
    /// We take at most so many times as long.
    Within(f64),
    /// It is one of us, and at least so many times faster than the one of us that it is compared with.
    Speedup(f64),
    /// We take at most this fraction of its memory.
    Memory(f64),
    /// It is one of us, and takes less than so many bytes of memory.
    Peak(u64),
    /// We read at most so many times the bytes that it reads.
    Overread(f64),
    /// Our file has at most so many times the bytes of its file.
    Size(f64),
}

impl Work {
    /// The columns to read from Parquet, by the names that they have there; none: all.
    pub(crate) fn parquet_columns(&self) -> &'static [&'static str] {
        // Of nested data, the Parquet file has what is asked for and nothing else.
        if self.columns.iter().any(|name| name.contains('.')) { &[] } else { self.columns }
    }
}

impl Contender {
    fn new(label: &'static str, program: Program) -> Self {
        Self { label, program, targets: Vec::new(), than: None, slow: false }
    }

    fn wants(mut self, target: Target) -> Self {
        self.targets.push(target);
        self
    }

    fn than(mut self, label: &'static str) -> Self {
        self.than = Some(label);
        self
    }

    fn slow(mut self) -> Self {
        self.slow = true;
        self
    }
}

const OURS: &str = "ours, 1 thread";
const OURS_2: &str = "ours, 2 threads";
/// Rather than from structs that refer to 8 million vectors.
const FROM_BATCHES: &str = "ours, 1 thread, from Arrow batches";
/// As ROOT reads: what was read is given up before the next is.
const STREAMED: &str = "ours, 1 thread, batches not kept";
const STREAMED_2: &str = "ours, 2 threads, batches not kept";

/// Every work, in the order of the report.
pub(crate) fn all() -> Vec<Work> {
    use Program::{Awkward, Child, Parquet, Pyarrow, Root, RootWrite};
    use Target::{Faster, Memory, Overread, Peak, Size, Speedup, Within};
    let ours = || Contender::new(OURS, Child("scan 1"));
    let ours_2 = || Contender::new(OURS_2, Child("scan 2"));
    let streamed = || Contender::new(STREAMED, Child("stream 1"));
    let streamed_2 = || Contender::new(STREAMED_2, Child("stream 2")).than(STREAMED);
    let limit = || Contender::new("limit, 1 thread", Child("limit 1"));
    let limit_2 = || Contender::new("limit, 2 threads", Child("limit 2")).than(OURS_2);
    let zstd = || Contender::new("zstd alone", Child("zstd"));
    let entry = || Contender::new("ROOT entry loop, 1 thread", Root("entry", 1)).than(STREAMED);
    let entry_2 = || Contender::new("ROOT entry loop, 2 threads", Root("entry", 2)).than(STREAMED_2);
    let views = || Contender::new("ROOT views, 1 thread", Root("views", 1)).than(STREAMED);
    let bulk = || Contender::new("ROOT bulk, 1 thread", Root("bulk", 1)).than(STREAMED);
    let bulk_2 = || Contender::new("ROOT bulk, 2 threads", Root("bulk", 2)).than(STREAMED_2);
    let frame = || Contender::new("ROOT RDataFrame, 1 thread", Root("rdf", 1)).than(STREAMED);
    let frame_2 = || Contender::new("ROOT RDataFrame, 2 threads", Root("rdf", 2)).than(STREAMED_2);
    let python = || Contender::new("ours, Python, to Awkward Arrays", Awkward("rntuple", "all"));
    let uproot = || Contender::new("uproot", Awkward("uproot", "all"));
    let arrow_rs = || Contender::new("Parquet, arrow-rs, 1 thread", Parquet("parquet"));
    let pyarrow = || Contender::new("Parquet, pyarrow, 1 thread", Pyarrow(1));
    let pyarrow_2 = || Contender::new("Parquet, pyarrow, 2 threads", Pyarrow(2)).than(OURS_2);
    vec![
        Work {
            name: "nano",
            title: "(a) NanoAOD-like, all 91 fields",
            data: &data::NANO,
            columns: &[],
            contenders: vec![
                ours(),
                ours_2().wants(Speedup(1.8)),
                streamed(),
                streamed_2().wants(Speedup(1.8)),
                limit().wants(Within(1.5)),
                limit_2(),
                Contender::new("limit, 1 thread, pages not kept", Child("limit-stream 1"))
                    .than(STREAMED)
                    .wants(Within(1.5)),
                zstd(),
                entry().wants(Faster(6.0)),
                entry_2(),
                views().wants(Faster(7.0)),
                bulk().wants(Faster(6.0)),
                bulk_2(),
                frame(),
                frame_2(),
                python(),
                uproot().wants(Faster(4.0)),
                arrow_rs().wants(Faster(3.0)),
                pyarrow(),
                pyarrow_2().wants(Faster(2.0)),
            ],
        },
        Work {
            name: "nano-5",
            title: "(a) NanoAOD-like, 5 of 91 fields",
            data: &data::NANO,
            columns: nano::FIVE,
            contenders: vec![
                ours(),
                ours_2(),
                streamed(),
                limit().wants(Overread(1.05)),
                zstd(),
                entry(),
                views(),
                bulk(),
                frame(),
                python(),
                uproot().wants(Faster(5.0)),
                arrow_rs().wants(Faster(2.0)),
                pyarrow().wants(Faster(2.0)),
                pyarrow_2(),
            ],
        },
        Work {
            name: "flat",
            title: "(b) LHCb-like, all 26 doubles",
            data: &data::FLAT,
            columns: &[],
            contenders: vec![
                ours(),
                ours_2(),
                streamed(),
                streamed_2(),
                limit(),
                limit_2(),
                zstd(),
                entry(),
                entry_2(),
                views(),
                bulk(),
                bulk_2(),
                frame(),
                frame_2(),
                python(),
                uproot(),
                arrow_rs(),
                pyarrow(),
                pyarrow_2(),
            ],
        },
        Work {
            name: "wide",
            title: "(c) 2 of 10,000 columns",
            data: &data::WIDE,
            columns: wide::TWO,
            contenders: vec![
                ours(),
                streamed(),
                views().wants(Faster(10.0)).wants(Memory(0.1)),
                entry(),
                python(),
                uproot().slow(),
            ],
        },
        Work {
            name: "nested",
            title: "(d) nested structs, vectors, strings and variants",
            data: &data::NESTED,
            columns: &[],
            contenders: vec![
                ours(),
                ours_2(),
                streamed(),
                streamed_2(),
                Contender::new("ours, rows", Child("rows-nested")),
                limit(),
                limit_2(),
                zstd(),
                entry().wants(Faster(4.0)),
                entry_2(),
                views().wants(Faster(4.0)),
                bulk().wants(Faster(4.0)),
                bulk_2(),
                python(),
                uproot(),
            ],
        },
        Work {
            name: "nested-parquet",
            title: "(d) the same without the variants, which Parquet lacks",
            data: &data::NESTED,
            columns: data::nested::WITHOUT_VARIANT,
            contenders: vec![ours(), ours_2(), limit(), arrow_rs(), pyarrow(), pyarrow_2()],
        },
        Work {
            name: "low-precision",
            title: "(e) Real16, Real32Trunc and Real32Quant",
            data: &data::LOW,
            columns: &[],
            contenders: vec![
                ours(),
                ours_2(),
                streamed(),
                limit(),
                zstd(),
                entry(),
                views(),
                bulk(),
                frame(),
                python(),
                uproot(),
            ],
        },
        Work {
            name: "nano-wide",
            title: "(f) 6 of 1,479 fields",
            data: &data::NANO_WIDE,
            columns: wide::SIX,
            contenders: vec![
                ours(),
                ours_2(),
                streamed(),
                limit(),
                entry(),
                views(),
                bulk(),
                frame(),
                python(),
                uproot(),
                arrow_rs(),
                pyarrow(),
                pyarrow_2(),
            ],
        },
        Work {
            name: "higgs",
            title: "(g) 12 of 81 fields",
            data: &data::HIGGS,
            columns: flat::TWELVE,
            contenders: vec![
                ours(),
                ours_2(),
                streamed(),
                limit(),
                entry(),
                views(),
                bulk(),
                frame(),
                python(),
                uproot(),
                arrow_rs(),
                pyarrow(),
                pyarrow_2(),
            ],
        },
        Work {
            name: "rows",
            title: "(a) rows::<T>() of all 91 fields",
            data: &data::NANO,
            columns: &[],
            contenders: vec![
                Contender::new(OURS, Child("rows 1")),
                Contender::new(OURS_2, Child("rows 2")),
                entry().than(OURS).wants(Faster(3.0)),
                entry_2().than(OURS_2),
            ],
        },
        Work {
            name: "random",
            title: "(a) 10,000 single entries of 5 fields, in random order",
            data: &data::NANO,
            columns: nano::FIVE,
            contenders: vec![
                Contender::new(OURS, Child("random")),
                Contender::new("ROOT entries", Root("random", 1)).wants(Faster(5.0)).slow(),
                Contender::new("ROOT views", Root("random-views", 1)).wants(Faster(5.0)).slow(),
                Contender::new("uproot", Awkward("uproot", "random")).wants(Faster(5.0)).slow(),
            ],
        },
        Work {
            name: "write",
            title: "writing 20 vectors and 20 floats, 400,000 entries",
            data: &data::WRITTEN,
            columns: &[],
            contenders: vec![
                Contender::new(OURS, Child("write 1")),
                Contender::new("ours, 2 threads, one writer", Child("write 2")).wants(Speedup(1.8)),
                Contender::new("ours, 2 threads, fill contexts", Child("contexts 2")).wants(Speedup(1.8)),
                Contender::new(FROM_BATCHES, Child("batches 1")),
                Contender::new("zstd alone", Child("compress")).wants(Within(1.15)),
                Contender::new("the same, against ours from batches", Child("compress"))
                    .than(FROM_BATCHES)
                    .wants(Within(1.15)),
                Contender::new("reading what is to be written", Child("touch")),
                Contender::new("ROOT, 1 thread", RootWrite("1")).wants(Faster(1.3)),
                Contender::new("ROOT, 2 threads, fill contexts", RootWrite("2"))
                    .than("ours, 2 threads, fill contexts")
                    .wants(Faster(1.3)),
            ],
        },
        Work {
            name: "size",
            title: "(a) size of the file",
            data: &data::NANO,
            columns: &[],
            contenders: vec![
                Contender::new("ours", Child("size")),
                Contender::new("ROOT, at its defaults", RootWrite("copy")).wants(Size(1.0)),
                Contender::new("Parquet, arrow-rs, zstd level 3", Parquet("size")).wants(Size(0.75)),
            ],
        },
        Work {
            name: "memory",
            title: "2 GB, one scan of all fields, every value looked at, default settings",
            data: &data::LARGE,
            columns: &[],
            contenders: vec![Contender::new("ours", Child("once")).wants(Peak(200_000_000))],
        },
    ]
}
