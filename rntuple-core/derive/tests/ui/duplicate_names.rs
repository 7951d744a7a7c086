use rntuple_core::row::Row;

#[derive(Row)]
struct Event {
    pt: f32,
    #[rntuple(rename = "pt")]
    momentum: f32,
}

#[derive(Row)]
#[rntuple(rename_all = "UPPERCASE")]
struct Cases {
    a: u8,
    A: u8,
}

fn main() {}
