use rntuple_core::row::Row;

#[derive(Row)]
struct Positions(f32, f32, f32);

#[derive(Row)]
union Bits {
    float: f32,
    int: u32,
}

fn main() {}
