use rntuple_core::row::Row;

struct Calibration;

#[derive(Row)]
struct Event {
    run: u32,
    calibration: Calibration,
}

fn main() {}
