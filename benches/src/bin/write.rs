//! Writes what `peers/root_write.cpp` writes: 20 vectors of floats and 20 floats per entry, from memory.
//!
//! `write DIRECTORY [ENTRIES] [ROOT_WRITE]`: with the compiled peer as third argument, both run in turn. Prints seconds,
//! and what zstd alone takes for the same pages.

use std::path::Path;
use std::process::Command;

use rntuple_benches::{Random, seconds};
use rntuple_io::{ParallelWriter, Reader, Row, WriteOptions, Writer};

macro_rules! event {
    ($($v:ident $s:ident $i:literal;)*) => {
        #[derive(Row)]
        struct Event<'a> {
            $($v: &'a [f32], $s: f32,)*
        }

        impl<'a> Event<'a> {
            fn at(data: &'a Data, entry: usize) -> Self {
                Self { $($v: data.vector($i, entry), $s: data.scalar($i, entry),)* }
            }
        }
    };
}

event! {
    v0 s0 0; v1 s1 1; v2 s2 2; v3 s3 3; v4 s4 4; v5 s5 5; v6 s6 6; v7 s7 7; v8 s8 8; v9 s9 9;
    v10 s10 10; v11 s11 11; v12 s12 12; v13 s13 13; v14 s14 14; v15 s15 15; v16 s16 16; v17 s17 17; v18 s18 18; v19 s19 19;
}

struct Data {
    vectors: Vec<Vec<Vec<f32>>>,
    scalars: Vec<Vec<f32>>,
}

impl Data {
    fn new(entries: usize) -> Self {
        let mut data = Self { vectors: Vec::new(), scalars: Vec::new() };
        for k in 1..=20 {
            let mut random = Random::new(k);
            let (mut vectors, mut scalars) = (Vec::new(), Vec::new());
            for _ in 0..entries {
                let size = random.size();
                vectors.push((0..size).map(|_| random.momentum()).collect());
                scalars.push(random.momentum());
            }
            data.vectors.push(vectors);
            data.scalars.push(scalars);
        }
        data
    }

    fn vector(&self, k: usize, entry: usize) -> &[f32] {
        self.vectors.get(k).and_then(|vectors| vectors.get(entry)).map_or(&[], Vec::as_slice)
    }

    fn scalar(&self, k: usize, entry: usize) -> f32 {
        self.scalars.get(k).and_then(|scalars| scalars.get(entry)).copied().unwrap_or_default()
    }
}

type Done<T> = Result<T, Box<dyn std::error::Error>>;

fn sequential(path: &Path, data: &Data, entries: usize, threads: usize) -> Done<()> {
    let options = WriteOptions::default().threads(threads);
    let mut writer = Writer::create(path, "Events", Event::schema(), options)?;
    for entry in 0..entries {
        writer.append_row(&Event::at(data, entry))?;
    }
    writer.finish()?;
    Ok(())
}

fn parallel(path: &Path, data: &Data, entries: usize, threads: usize) -> Done<()> {
    let writer = ParallelWriter::create(path, "Events", Event::schema(), WriteOptions::default())?;
    std::thread::scope(|scope| -> Done<()> {
        let mut running = Vec::new();
        for t in 0..threads {
            let mut context = writer.context()?;
            running.push(scope.spawn(move || -> rntuple_io::Result<()> {
                for entry in entries * t / threads..entries * (t + 1) / threads {
                    context.append_row(&Event::at(data, entry))?;
                }
                context.finish()
            }));
        }
        for thread in running {
            thread.join().map_err(|_| "a thread panicked")??;
        }
        Ok(())
    })?;
    writer.finish()?;
    Ok(())
}

/// What zstd takes for the pages of a file, encoded but not compressed.
fn zstd_alone(path: &Path) -> Done<f64> {
    let mut pages = Vec::new();
    Reader::open(path)?.only()?.unsealed_pages(|_, _, page| {
        pages.push(page.to_vec());
        Ok(())
    })?;
    let mut compressor = zstd::bulk::Compressor::new(10)?;
    let mut out = vec![0; zstd::zstd_safe::compress_bound(2 << 20)];
    let (time, bytes) = seconds(|| -> std::io::Result<usize> {
        pages.iter().map(|page| compressor.compress_to_buffer(page, &mut out)).sum()
    });
    bytes?;
    Ok(time)
}

fn main() -> Done<()> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or("usage: write DIRECTORY [ENTRIES] [ROOT_WRITE]")?;
    let entries: usize = arguments.next().map_or(Ok(400_000), |n| n.parse())?;
    let peer = arguments.next();
    let data = Data::new(entries);
    let ours = Path::new(&directory).join("ours.root");
    let theirs = Path::new(&directory).join("theirs.root");
    let root = |threads: &str| -> Done<Option<f64>> {
        let Some(peer) = &peer else { return Ok(None) };
        let output = Command::new(peer).arg(&theirs).args([threads, &entries.to_string()]).output()?;
        Ok(Some(String::from_utf8(output.stdout)?.trim().parse()?))
    };
    println!("  ours(1)   ROOT(1)  zstd(1)   ours(2)  ours(2, contexts)   ROOT(2)");
    for _ in 0..3 {
        let one = seconds(|| sequential(&ours, &data, entries, 1));
        one.1?;
        let peer_one = root("1")?;
        let sizes = (ours.metadata()?.len(), theirs.metadata().map_or(0, |file| file.len()));
        let limit = zstd_alone(&ours)?;
        let two = seconds(|| sequential(&ours, &data, entries, 2));
        two.1?;
        let contexts = seconds(|| parallel(&ours, &data, entries, 2));
        contexts.1?;
        let peer_two = root("2")?;
        println!(
            "{:9.3} {:9.3} {:8.3} {:9.3} {:18.3} {:9.3}   bytes {} {}",
            one.0,
            peer_one.unwrap_or(f64::NAN),
            limit,
            two.0,
            contexts.0,
            peer_two.unwrap_or(f64::NAN),
            sizes.0,
            sizes.1
        );
    }
    Ok(())
}
