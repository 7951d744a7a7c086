use rntuple_core::row::Row;

#[derive(Row)]
enum Two {
    One(u8),
    Pair(u8, f32),
}

#[derive(Row)]
enum Named {
    Point { x: f32, y: f32 },
}

#[derive(Row)]
enum Nothings {
    Value(u8),
    Missing,
    Unknown,
}

#[derive(Row)]
enum Never {}

#[derive(Row)]
#[repr(usize)]
enum Sized {
    A,
}

fn main() {}
