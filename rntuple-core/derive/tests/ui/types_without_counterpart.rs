use rntuple_core::row::Row;

#[derive(Row)]
struct Event {
    initial: char,
    sizes: Vec<Option<usize>>,
    wide: [u128; 2],
    next: Option<Box<Event>>,
    raw: *const u8,
    callback: fn(u8),
    shape: Box<dyn std::fmt::Debug>,
    nothing: (),
}

fn main() {}
