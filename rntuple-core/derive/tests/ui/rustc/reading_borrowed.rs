use rntuple_core::row::{Row, requested_schema};

#[derive(Row)]
struct Event<'a> {
    name: &'a str,
}

#[derive(Row)]
#[rntuple(write_only)]
struct Hit {
    x: f32,
}

#[derive(Row)]
struct Holder {
    hits: Vec<Hit>,
}

fn main() {
    let _ = requested_schema::<Event>(&Event::schema());
}
