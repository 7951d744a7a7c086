use rntuple_core::row::Row;

#[derive(Row)]
enum Large {
    Fits = 1,
    Beyond = 0x1_0000_0000,
}

fn main() {}
