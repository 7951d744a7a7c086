//! This library, writing from memory.

use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float32Type;
use rntuple_benches::seconds;
use rntuple_io::{ParallelWriter, Reader, Row, WriteOptions, Writer};

use super::{Measured, peak};
use crate::Done;
use crate::check::Check;

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

/// What is written, as it lies in memory: as ROOT has it, a vector per entry.
struct Data {
    entries: usize,
    vectors: Vec<Vec<Vec<f32>>>,
    scalars: Vec<Vec<f32>>,
}

impl Data {
    fn load(path: &Path) -> Done<Self> {
        let mut data = Self { entries: 0, vectors: vec![Vec::new(); 20], scalars: vec![Vec::new(); 20] };
        for batch in Reader::open(path)?.only()?.scan().open()? {
            let batch = batch?;
            data.entries += batch.num_rows();
            for (i, (vectors, scalars)) in data.vectors.iter_mut().zip(&mut data.scalars).enumerate() {
                let column = |name: String| batch.column_by_name(&name).ok_or(format!("no column {name}"));
                let lists = column(format!("v{i}"))?.as_list::<i32>();
                let list = |row| lists.value(row).as_primitive::<Float32Type>().values().to_vec();
                vectors.extend((0..lists.len()).map(list));
                scalars.extend_from_slice(column(format!("s{i}"))?.as_primitive::<Float32Type>().values());
            }
        }
        Ok(data)
    }

    fn vector(&self, k: usize, entry: usize) -> &[f32] {
        self.vectors.get(k).and_then(|vectors| vectors.get(entry)).map_or(&[], Vec::as_slice)
    }

    fn scalar(&self, k: usize, entry: usize) -> f32 {
        self.scalars.get(k).and_then(|scalars| scalars.get(entry)).copied().unwrap_or_default()
    }
}

/// One writer.
pub(super) fn sequential(from: &Path, to: &Path, threads: usize) -> Done<Measured> {
    let data = Data::load(from)?;
    measure(to, || {
        let mut writer = Writer::create(to, "Events", Event::schema(), WriteOptions::default().threads(threads))?;
        for entry in 0..data.entries {
            writer.append_row(&Event::at(&data, entry))?;
        }
        writer.finish()?;
        Ok(())
    })
}

/// One writer that gets Arrow batches.
pub(super) fn batches(from: &Path, to: &Path, threads: usize) -> Done<Measured> {
    let batches = Reader::open(from)?.only()?.scan().open()?.collect::<Result<Vec<_>, _>>()?;
    let schema = batches.first().ok_or("nothing to write")?.schema();
    measure(to, || {
        let mut writer = Writer::create(to, "Events", schema.clone(), WriteOptions::default().threads(threads))?;
        batches.iter().try_for_each(|batch| writer.append(batch))?;
        writer.finish()?;
        Ok(())
    })
}

/// Only looks at every value, in the order in which they are written: what no writer of these structs can do without.
pub(super) fn touch(from: &Path) -> Done<Measured> {
    let data = Data::load(from)?;
    super::measure(|| {
        let mut bits = 0;
        for entry in 0..data.entries {
            for k in 0..20 {
                bits = data.vector(k, entry).iter().fold(bits, |bits, value| bits ^ value.to_bits());
                bits ^= data.scalar(k, entry).to_bits();
            }
        }
        Ok(bits)
    })
}

/// A fill context per thread.
pub(super) fn contexts(from: &Path, to: &Path, threads: usize) -> Done<Measured> {
    let data = &Data::load(from)?;
    measure(to, || {
        let writer = ParallelWriter::create(to, "Events", Event::schema(), WriteOptions::default())?;
        std::thread::scope(|scope| -> Done<()> {
            let mut running = Vec::new();
            for t in 0..threads {
                let mut context = writer.context()?;
                running.push(scope.spawn(move || -> rntuple_io::Result<()> {
                    for entry in data.entries * t / threads..data.entries * (t + 1) / threads {
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
    })
}

fn measure(to: &Path, run: impl Fn() -> Done<()>) -> Done<Measured> {
    run()?;
    let check = Check { count: Reader::open(to)?.only()?.entries(), sum: 0.0 };
    let (seconds, done) = seconds(run);
    done?;
    Ok(Measured {
        seconds,
        peak: peak()?,
        check: Some(check),
        bytes: Some(to.metadata()?.len()),
        ..Measured::default()
    })
}
