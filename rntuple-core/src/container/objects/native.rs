//! The anchor of the native layout: a JSON object (format-spec/objects.md, native layout).

use serde_json::{Map, Value};

use crate::checksum::xxh3;
use crate::error::{Error, Result};

/// Version of the anchor's JSON that is known.
const ANCHOR_VERSION: u64 = 0;
/// The only epoch that was ever released.
const EPOCH: u16 = 1;
const WHAT: &str = "anchor";

/// Where ROOT puts objects: the key of the anchor, a slash, the number of the object.
pub const URL_TEMPLATE: &str = "${baseurl}/${objid}";
/// Where ROOT puts the anchors of attribute sets.
pub const CLONE_TEMPLATE: &str = "${baseurl}/_clone/${name}";

/// Where an envelope lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ObjectPlace {
    /// Number of the object.
    pub object: u64,
    /// Offset in the object.
    pub offset: u64,
    /// Bytes as stored.
    pub stored: u64,
    /// Bytes once decompressed.
    pub length: u64,
}

/// The entry point to one RNTuple that lies in objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeAnchor {
    /// Version of the format that the writer supports: epoch, major, minor, patch.
    pub version: [u16; 4],
    /// Key of an object: `${baseurl}` stands for the key of the anchor, `${objid}` for the number of the object.
    pub url_template: String,
    /// Key of the anchor of an attribute set: `${baseurl}` stands for the key of this anchor, `${name}` for the set.
    pub clone_template: String,
    /// The header envelope.
    pub header: ObjectPlace,
    /// The footer envelope.
    pub footer: ObjectPlace,
}

impl NativeAnchor {
    /// Bytes that an anchor may have.
    pub const MAX_LEN: usize = 1 << 20;

    /// Writes the anchor as ROOT does: keys in alphabetical order, indented by two blanks.
    #[must_use]
    pub fn serialize(&self) -> String {
        let [epoch, major, minor, patch] = self.version;
        let mut object = Map::new();
        let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
        put("anchorVersion", ANCHOR_VERSION.into());
        put("cloneTemplate", self.clone_template.as_str().into());
        put("footerObjId", self.footer.object.into());
        put("footerOffset", self.footer.offset.into());
        put("formatVersionEpoch", epoch.into());
        put("formatVersionMajor", major.into());
        put("formatVersionMinor", minor.into());
        put("formatVersionPatch", patch.into());
        put("headerObjId", self.header.object.into());
        put("headerOffset", self.header.offset.into());
        put("lenFooter", self.footer.length.into());
        put("lenHeader", self.header.length.into());
        put("nBytesFooter", self.footer.stored.into());
        put("nBytesHeader", self.header.stored.into());
        put("urlTemplate", self.url_template.as_str().into());
        let mut value = Value::Object(object);
        let checksum = checksum(&value);
        if let Value::Object(object) = &mut value {
            object.insert("checksum".to_owned(), checksum.into());
        }
        value.sort_all_objects();
        format!("{value:#}")
    }

    /// Reads an anchor. Members that later versions add are skipped; the checksum covers them.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is no JSON object, lacks something, or has a version or an epoch that is not known;
    /// [`Error::Checksum`]; [`Error::Limit`] for more than [`NativeAnchor::MAX_LEN`] bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > Self::MAX_LEN {
            let (value, limit) = (bytes.len() as u64, Self::MAX_LEN as u64);
            return Err(Error::Limit { what: "anchor size", value, limit });
        }
        let value: Value = serde_json::from_slice(bytes).map_err(|e| malformed(format!("is no JSON: {e}")))?;
        let Value::Object(mut object) = value else { return Err(malformed("is no JSON object")) };
        let version = number(&object, "anchorVersion")?;
        if version != ANCHOR_VERSION {
            return Err(malformed(format!("version {version} is unknown to this version")));
        }
        let stored = number(&object, "checksum")?;
        object.shift_remove("checksum");
        let value = Value::Object(object);
        let computed = checksum(&value);
        if stored != computed {
            return Err(Error::Checksum { what: WHAT, stored, computed });
        }
        let Value::Object(object) = value else { return Err(malformed("is no JSON object")) };
        let short = |key: &str| -> Result<u16> {
            let value = number(&object, key)?;
            u16::try_from(value).map_err(|_| malformed(format!("'{key}' is {value}, which is too large")))
        };
        let format = [
            short("formatVersionEpoch")?,
            short("formatVersionMajor")?,
            short("formatVersionMinor")?,
            short("formatVersionPatch")?,
        ];
        if format[0] != EPOCH {
            return Err(malformed(format!("format epoch {} is not supported", format[0])));
        }
        let place = |object_id: &str, offset: &str, stored: &str, length: &str| -> Result<ObjectPlace> {
            Ok(ObjectPlace {
                object: number(&object, object_id)?,
                offset: number(&object, offset)?,
                stored: number(&object, stored)?,
                length: number(&object, length)?,
            })
        };
        Ok(Self {
            version: format,
            url_template: text(&object, "urlTemplate")?.to_owned(),
            // The first anchors with a checksum did not have it.
            clone_template: if object.contains_key("cloneTemplate") {
                text(&object, "cloneTemplate")?.to_owned()
            } else {
                CLONE_TEMPLATE.to_owned()
            },
            header: place("headerObjId", "headerOffset", "nBytesHeader", "lenHeader")?,
            footer: place("footerObjId", "footerOffset", "nBytesFooter", "lenFooter")?,
        })
    }
}

/// XXH3 of the anchor without its checksum, written without blanks and with keys in alphabetical order.
fn checksum(value: &Value) -> u64 {
    let mut value = value.clone();
    value.sort_all_objects();
    xxh3(value.to_string().as_bytes())
}

fn malformed(reason: impl Into<String>) -> Error {
    Error::malformed(WHAT, 0, reason)
}

fn member<'a>(object: &'a Map<String, Value>, key: &str) -> Result<&'a Value> {
    object.get(key).ok_or_else(|| malformed(format!("has no '{key}'")))
}

fn number(object: &Map<String, Value>, key: &str) -> Result<u64> {
    member(object, key)?.as_u64().ok_or_else(|| malformed(format!("'{key}' is no whole number of 64 bits")))
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Result<&'a str> {
    member(object, key)?.as_str().ok_or_else(|| malformed(format!("'{key}' is no text")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchor() -> NativeAnchor {
        NativeAnchor {
            version: [1, 0, 2, 0],
            url_template: "https://bucket.s3.us-east-1.amazonaws.com/data/${objid}".to_owned(),
            clone_template: "${baseurl}/clones/${name}".to_owned(),
            header: ObjectPlace { object: 1, offset: 0, stored: 1200, length: 4096 },
            footer: ObjectPlace { object: 42, offset: 0, stored: 800, length: 2048 },
        }
    }

    /// The values of ROOT's own round-trip test. The text follows from how ROOT writes JSON; the checksum was computed
    /// with Python's `json` and `xxhash`.
    const KNOWN: &str = r#"{
  "anchorVersion": 0,
  "checksum": 11956514144978958882,
  "cloneTemplate": "${baseurl}/clones/${name}",
  "footerObjId": 42,
  "footerOffset": 0,
  "formatVersionEpoch": 1,
  "formatVersionMajor": 0,
  "formatVersionMinor": 2,
  "formatVersionPatch": 0,
  "headerObjId": 1,
  "headerOffset": 0,
  "lenFooter": 2048,
  "lenHeader": 4096,
  "nBytesFooter": 800,
  "nBytesHeader": 1200,
  "urlTemplate": "https://bucket.s3.us-east-1.amazonaws.com/data/${objid}"
}"#;

    #[test]
    fn known_answer() {
        assert_eq!(anchor().serialize(), KNOWN);
        assert_eq!(NativeAnchor::parse(KNOWN.as_bytes()).unwrap(), anchor());
        // Order and blanks do not count.
        let mut lines: Vec<&str> = KNOWN.lines().map(|line| line.trim().trim_end_matches(',')).collect();
        let inner = lines.len() - 1;
        lines[1..inner].reverse();
        let other = format!("{{{}}}", lines[1..inner].join(","));
        assert_eq!(NativeAnchor::parse(other.as_bytes()).unwrap(), anchor());
    }

    #[test]
    fn largest_numbers_and_odd_texts() {
        let place = ObjectPlace { object: u64::MAX, offset: u64::MAX, stored: u64::MAX, length: u64::MAX };
        for template in ["", "C:\\data\\${objid}", "with\"quotes\" and\ttabs\nand \u{1}", "ümläut \u{10ffff}"] {
            let anchor = NativeAnchor {
                url_template: template.to_owned(),
                header: place,
                footer: ObjectPlace { object: (1 << 53) + 1, ..place },
                ..anchor()
            };
            let text = anchor.serialize();
            assert!(!text.contains('\t'));
            assert_eq!(NativeAnchor::parse(text.as_bytes()).unwrap(), anchor);
        }
    }

    /// The text with other members and the checksum that belongs to them.
    fn with(change: impl Fn(&mut Map<String, Value>)) -> String {
        let mut value: Value = serde_json::from_str(KNOWN).unwrap();
        let Value::Object(object) = &mut value else { panic!() };
        object.shift_remove("checksum");
        change(object);
        let sum = checksum(&value);
        value.as_object_mut().unwrap().entry("checksum").or_insert(sum.into());
        value.to_string()
    }

    #[test]
    fn later_members_are_covered_by_the_checksum() {
        let text = with(|object| drop(object.insert("later".to_owned(), serde_json::json!({"b": [1], "a": "é"}))));
        assert_eq!(NativeAnchor::parse(text.as_bytes()).unwrap(), anchor());
        let damaged = text.replace("\"later\"", "\"laterr\"");
        assert!(matches!(NativeAnchor::parse(damaged.as_bytes()), Err(Error::Checksum { .. })));
        let older = with(|object| drop(object.shift_remove("cloneTemplate")));
        assert_eq!(NativeAnchor::parse(older.as_bytes()).unwrap().clone_template, CLONE_TEMPLATE);
    }

    #[test]
    fn hostile() {
        for text in ["", "   ", "not json at all", "{incomplete", "[1, 2, 3]", "null", "\u{1}", "{}"] {
            assert!(matches!(NativeAnchor::parse(text.as_bytes()), Err(Error::Malformed { .. })), "{text}");
        }
        assert!(NativeAnchor::parse(&[0xff, 0xfe]).is_err());
        assert!(NativeAnchor::parse("[".repeat(100_000).as_bytes()).is_err());
        let long = vec![b' '; NativeAnchor::MAX_LEN + 1];
        assert!(matches!(NativeAnchor::parse(&long), Err(Error::Limit { .. })));
        let keys: Vec<String> =
            serde_json::from_str::<Value>(KNOWN).unwrap().as_object().unwrap().keys().cloned().collect();
        for key in keys.iter().filter(|key| *key != "cloneTemplate" && *key != "checksum") {
            let missing = with(|object| drop(object.shift_remove(key)));
            let error = NativeAnchor::parse(missing.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(&format!("has no '{key}'")), "{error}");
        }
        for key in &keys {
            for wrong in [Value::Null, serde_json::json!([]), serde_json::json!(-1), serde_json::json!(1.5)] {
                let text = with(|object| drop(object.insert(key.clone(), wrong.clone())));
                assert!(matches!(NativeAnchor::parse(text.as_bytes()), Err(Error::Malformed { .. })), "{key} {wrong}");
            }
        }
        for (key, value) in [("formatVersionEpoch", 2), ("formatVersionEpoch", 0), ("anchorVersion", 1)] {
            assert!(NativeAnchor::parse(with(|o| drop(o.insert(key.to_owned(), value.into()))).as_bytes()).is_err());
        }
        let large = with(|object| drop(object.insert("formatVersionMinor".to_owned(), 65536.into())));
        assert!(NativeAnchor::parse(large.as_bytes()).unwrap_err().to_string().contains("too large"));
        let removed: String = KNOWN.lines().filter(|line| !line.contains("checksum")).collect();
        assert!(NativeAnchor::parse(removed.as_bytes()).unwrap_err().to_string().contains("has no 'checksum'"));
    }

    #[test]
    fn every_digit_is_noticed() {
        for (at, c) in KNOWN.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
            let mut damaged = KNOWN.as_bytes().to_vec();
            damaged[at] = if c == '9' { b'8' } else { b'9' };
            assert!(NativeAnchor::parse(&damaged).is_err(), "byte {at}");
        }
    }
}
