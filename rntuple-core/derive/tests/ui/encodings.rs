use rntuple_core::row::Row;

#[derive(Row)]
struct Event {
    #[rntuple(encoding = "Real23")]
    unknown: f32,
    #[rntuple(encoding = "Real32Trunc(8)")]
    bits: f32,
    #[rntuple(encoding = "Real32Quant(8)")]
    range: f32,
    #[rntuple(encoding = "Real32Quant(8;1;0)")]
    order: f32,
    #[rntuple(encoding = "Real16")]
    integers: Vec<u32>,
}

fn main() {}
