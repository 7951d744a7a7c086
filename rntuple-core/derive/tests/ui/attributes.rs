use rntuple_core::row::Row;

#[derive(Row)]
struct Unknown {
    #[rntuple(renam = "y")]
    x: f32,
}

#[derive(Row)]
#[rntuple(renam_all = "camelCase")]
struct UnknownOfContainer {
    x: f32,
}

#[derive(Row)]
#[rntuple(rename_all = "kebab-case")]
struct Case {
    x: f32,
}

#[derive(Row)]
struct Values {
    #[rntuple(rename = 3)]
    number: f32,
    #[rntuple(rename = "a.b")]
    dot: f32,
    #[rntuple(skip = true)]
    skip: f32,
    #[rntuple(default = "1 + 1")]
    default: f32,
    #[rntuple(skip, rename = "z")]
    both: f32,
    #[rntuple(description = "one", description = "two")]
    twice: f32,
}

#[derive(Row)]
#[rntuple(type_name = "exp::Hit<{U}>")]
struct Hit<T> {
    x: T,
}

#[derive(Row)]
enum Color {
    #[rntuple(rename = "red")]
    Red,
}

fn main() {}
