//! When two values count as the same: float32 as float32, double exactly, NaN equal to NaN, order free inside
//! unordered containers, streamer blobs only for presence, `TObject::fBits` not at all.

use serde_json::{Map, Value, json};

/// How the values of one top-level field are compared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// There is an unordered container at or below the field.
    pub free_order: bool,
    /// There is a double at or below the field, so that numbers must agree to the last bit of it.
    pub double: bool,
}

impl Rules {
    /// The rules for a field, given a text with the names of all types at or below it.
    pub(crate) fn of(types: &str) -> Self {
        Self { free_order: types.contains("unordered_"), double: types.contains("double") || types.contains("Double") }
    }

    /// True when the two values, [normalised](normalise), are the same.
    pub(crate) fn same(self, a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Object(a), Value::Object(b)) => {
                a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| self.same(a, b)))
            }
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len()
                    && (a.iter().zip(b).all(|(a, b)| self.same(a, b))
                        || self.free_order && self.same_in_any_order(a, b))
            }
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::String(a), Value::String(b)) => a == b,
            (Value::Number(a), Value::Number(b)) => {
                if a == b {
                    return true;
                }
                if !a.is_f64() && !b.is_f64() {
                    return false;
                }
                match (a.as_f64(), b.as_f64()) {
                    (Some(a), Some(b)) => self.same_float(a, b),
                    _ => false,
                }
            }
            _ => false,
        }
    }

    fn same_in_any_order(self, a: &[Value], b: &[Value]) -> bool {
        let mut rest: Vec<&Value> = b.iter().collect();
        a.iter().all(|a| {
            let hit = rest.iter().position(|b| self.same(a, b));
            hit.map(|at| rest.swap_remove(at)).is_some()
        })
    }

    #[expect(clippy::float_cmp, clippy::cast_possible_truncation, reason = "equal is what is asked, in each width")]
    fn same_float(self, a: f64, b: f64) -> bool {
        a == b || !self.double && a as f32 == b as f32
    }
}

/// A value without what is not compared; `tagged` variants, as the truth files have them, become bare.
pub(crate) fn normalise(value: Value) -> Value {
    match value {
        Value::Object(mut object) => {
            if object.contains_key("__tag__") {
                return normalise(object.remove("value").unwrap_or_default());
            }
            if object.contains_key("__streamer__") {
                return json!({"__streamer__": null});
            }
            let kept = object.into_iter().filter(|(key, _)| key != "fBits");
            Value::Object(kept.map(|(key, value)| (key, normalise(value))).collect::<Map<_, _>>())
        }
        Value::Array(array) => Value::Array(array.into_iter().map(normalise).collect()),
        other => other,
    }
}

#[test]
fn rules() {
    let float = Rules::of("std::vector<float>");
    let double = Rules::of("std::vector<float> double");
    let set = Rules::of("std::unordered_set<std::int32_t>");
    assert!(float.same(&json!(0.1), &json!(0.10000000149011612)));
    assert!(!double.same(&json!(0.1), &json!(0.10000000149011612)));
    assert!(!float.same(&json!(0.1), &json!(0.1000001)));
    assert!(float.same(&json!("NaN"), &json!("NaN")));
    assert!(float.same(&json!(1), &json!(1.0)));
    assert!(!float.same(&json!(1), &json!(true)));
    assert!(!float.same(&json!(null), &json!(0)));
    assert!(!float.same(&json!(16_777_216), &json!(16_777_217)));
    assert!(!float.same(&json!([1, 2]), &json!([2, 1])));
    assert!(set.same(&json!([1, 2, 2]), &json!([2, 1, 2])));
    assert!(!set.same(&json!([1, 2, 2]), &json!([2, 1, 1])));
    assert!(!set.same(&json!([1]), &json!([1, 1])));
    assert!(!float.same(&json!({"a": 1}), &json!({"b": 1})));
    assert!(!float.same(&json!({"a": 1}), &json!({"a": 1, "b": 1})));
    let normal = normalise(json!({"fBits": 1, "v": [{"__tag__": 1, "value": {"__streamer__": "AA=="}}]}));
    assert_eq!(normal, json!({"v": [{"__streamer__": null}]}));
}
