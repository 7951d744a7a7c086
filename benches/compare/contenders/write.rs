//! This library, writing from memory.

use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::Float32Type;
use rntuple_benches::seconds;
use rntuple_io::{ParallelWriter, Reader, Row, WriteOptions, Writer};

use super::{Measured, peak};
use crate::Done;
use crate::check::Check;

macro_rules! event {
    ($($v:ident $s:ident;)*) => {
        #[derive(Row, Default)]
        struct Event {
            $($v: Vec<f32>, $s: f32,)*
        }

        impl Event {
            fn fields(&self) -> [(&[f32], f32); 20] {
                [$((&self.$v, self.$s)),*]
            }

            fn fields_mut(&mut self) -> [(&mut Vec<f32>, &mut f32); 20] {
                [$((&mut self.$v, &mut self.$s)),*]
            }
        }
    };
}

event! {
    v0 s0; v1 s1; v2 s2; v3 s3; v4 s4; v5 s5; v6 s6; v7 s7; v8 s8; v9 s9;
    v10 s10; v11 s11; v12 s12; v13 s13; v14 s14; v15 s15; v16 s16; v17 s17; v18 s18; v19 s19;
}

/// What is written, as it lies in memory.
fn load(path: &Path) -> Done<Vec<Event>> {
    let mut events = Vec::new();
    for batch in Reader::open(path)?.only()?.scan().open()? {
        let batch = batch?;
        let first = events.len();
        events.resize_with(first + batch.num_rows(), Event::default);
        for i in 0..20 {
            let column = |name: String| batch.column_by_name(&name).ok_or(format!("no column {name}"));
            let lists = column(format!("v{i}"))?.as_list::<i32>();
            let scalars = column(format!("s{i}"))?.as_primitive::<Float32Type>();
            for (row, event) in events.iter_mut().skip(first).enumerate() {
                let Some((vector, scalar)) = event.fields_mut().into_iter().nth(i) else { continue };
                *vector = lists.value(row).as_primitive::<Float32Type>().values().to_vec();
                *scalar = scalars.value(row);
            }
        }
    }
    Ok(events)
}

/// One writer.
pub(super) fn sequential(from: &Path, to: &Path, threads: usize) -> Done<Measured> {
    let events = load(from)?;
    measure(to, || {
        let mut writer = Writer::create(to, "Events", Event::schema(), WriteOptions::default().threads(threads))?;
        events.iter().try_for_each(|event| writer.append_row(event))?;
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
    let events = load(from)?;
    super::measure(|| {
        let mut bits = 0;
        for (vector, scalar) in events.iter().flat_map(Event::fields) {
            bits = vector.iter().fold(bits, |bits, value| bits ^ value.to_bits()) ^ scalar.to_bits();
        }
        Ok(bits)
    })
}

/// A fill context per thread.
pub(super) fn contexts(from: &Path, to: &Path, threads: usize) -> Done<Measured> {
    let events = &load(from)?;
    measure(to, || {
        let writer = ParallelWriter::create(to, "Events", Event::schema(), WriteOptions::default())?;
        std::thread::scope(|scope| -> Done<()> {
            let mut running = Vec::new();
            for t in 0..threads {
                let mut context = writer.context()?;
                running.push(scope.spawn(move || -> rntuple_io::Result<()> {
                    let part = events.len() * t / threads..events.len() * (t + 1) / threads;
                    events.get(part).unwrap_or_default().iter().try_for_each(|event| context.append_row(event))?;
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
