//! Puts a schema together from the records of header and footer, checking that they refer to each other rightly.

use super::{Alias, Column, ColumnId, ColumnType, ExtraTypeInfo, Field, FieldId, FieldRole, Schema};
use crate::error::{Error, Result};
use crate::limits::MAX_FIELD_DEPTH;

/// A field as an envelope describes it.
#[derive(Debug, Clone, Default)]
pub(crate) struct FieldRecord {
    pub(crate) version: u32,
    pub(crate) type_version: u32,
    pub(crate) parent: u32,
    pub(crate) role: u16,
    pub(crate) name: Box<str>,
    pub(crate) type_name: Box<str>,
    pub(crate) type_alias: Box<str>,
    pub(crate) description: Box<str>,
    pub(crate) repetitions: Option<u64>,
    pub(crate) source: Option<u32>,
    pub(crate) type_checksum: Option<u32>,
    pub(crate) soa: bool,
    pub(crate) unknown_flags: u16,
}

/// A column as an envelope describes it.
#[derive(Debug, Clone, Default)]
pub(crate) struct ColumnRecord {
    pub(crate) kind: u16,
    pub(crate) bits: u16,
    pub(crate) field: u32,
    pub(crate) representation: u16,
    pub(crate) first_element: Option<i64>,
    pub(crate) range: Option<(f64, f64)>,
    pub(crate) unknown_flags: u16,
}

/// A column of a projected field: which physical column it shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AliasRecord {
    pub(crate) physical: u32,
    pub(crate) field: u32,
}

/// Builds a [`Schema`] in storage order: fields, columns, alias columns, then the same from the extension.
#[derive(Debug, Clone, Default)]
pub struct SchemaBuilder {
    schema: Schema,
    depths: Vec<usize>,
    extension: bool,
}

impl SchemaBuilder {
    /// Opens a finished schema again. What is added is an extension of it.
    #[must_use]
    pub fn resume(schema: Schema) -> Self {
        let depths = schema.fields.iter().map(|field| schema.upwards(field.id).count()).collect();
        Self { schema, depths, extension: true }
    }

    /// What is added from here on is marked as added while writing.
    pub(crate) fn begin_extension(&mut self) {
        self.extension = true;
    }

    pub(crate) fn add_field(&mut self, record: FieldRecord) -> Result<()> {
        let id = FieldId(next_id(self.schema.fields.len(), "field")?);
        // A top-level field is its own parent. All others come after their parents, so that there are no cycles.
        let parent = (record.parent != id.0).then_some(FieldId(record.parent));
        let depth = match parent {
            None => {
                self.schema.top_level.push(id);
                1
            }
            Some(parent) => {
                let (Some(above), Some(&depth)) =
                    (self.schema.fields.get_mut(parent.0 as usize), self.depths.get(parent.0 as usize))
                else {
                    let reason = format!("field {}: its parent, field {}, does not come before it", id.0, parent.0);
                    return Err(Error::inconsistent("schema", reason));
                };
                above.children.push(id);
                depth + 1
            }
        };
        if depth > MAX_FIELD_DEPTH {
            let (value, limit) = (depth as u64, MAX_FIELD_DEPTH as u64);
            return Err(Error::Limit { what: "nesting depth of fields", value, limit });
        }
        self.depths.push(depth);
        let mut field = Field {
            id,
            parent,
            name: record.name,
            type_name: record.type_name,
            type_alias: record.type_alias,
            description: record.description,
            version: record.version,
            type_version: record.type_version,
            role: record.role.into(),
            repetitions: record.repetitions,
            source: record.source.map(FieldId),
            type_checksum: record.type_checksum,
            soa: record.soa,
            extension: self.extension,
            children: Vec::new(),
            columns: Vec::new(),
            problem: None,
        };
        if let FieldRole::Unknown(role) = field.role {
            field.set_problem(format!("structural role {role:#04x} is unknown to this version"));
        }
        if record.version != 0 {
            field.set_problem(format!("field version {} is unknown to this version", record.version));
        }
        if record.unknown_flags != 0 {
            field.set_problem(format!("field flag {:#06x} is unknown to this version", record.unknown_flags));
        }
        self.schema.fields.push(field);
        Ok(())
    }

    pub(crate) fn add_column(&mut self, record: &ColumnRecord) -> Result<()> {
        let id = ColumnId(next_id(self.schema.columns.len(), "column")?);
        let kind = ColumnType::from(record.kind);
        self.field_of(record.field, "column", id.0)?.columns.push(id);
        // A column whose first element is the first of all is not deferred, whatever its flag says.
        let first_element = record.first_element.filter(|&first| first != 0);
        self.schema.columns.push(Column {
            id,
            field: FieldId(record.field),
            kind,
            bits: record.bits,
            representation: record.representation,
            deferred: first_element.is_some(),
            suppressed_deferred: first_element.is_some_and(|first| first < 0),
            first_element: first_element.map_or(0, i64::unsigned_abs),
            extension: self.extension,
            stored_first: record.first_element,
            range: record.range,
            problem: column_problem(kind, record).map(Into::into),
        });
        Ok(())
    }

    pub(crate) fn add_alias(&mut self, record: AliasRecord) -> Result<()> {
        if record.physical as usize >= self.schema.columns.len() {
            let reason = format!("alias column of field {}: column {} does not exist", record.field, record.physical);
            return Err(Error::inconsistent("schema", reason));
        }
        let (physical, field) = (ColumnId(record.physical), FieldId(record.field));
        self.field_of(record.field, "alias column", record.physical)?.columns.push(physical);
        self.schema.aliases.push(Alias { physical, field, extension: self.extension });
        Ok(())
    }

    /// Adds type information, to the part of the schema that is being built.
    pub fn add_extra(&mut self, extra: ExtraTypeInfo) {
        self.schema.extra.push(ExtraTypeInfo { extension: self.extension, ..extra });
    }

    /// The schema.
    #[must_use]
    pub fn finish(self) -> Schema {
        self.schema
    }

    fn field_of(&mut self, field: u32, what: &'static str, id: u32) -> Result<&mut Field> {
        let missing = || format!("{what} {id} belongs to field {field}, which does not exist");
        let found = self.schema.fields.get_mut(field as usize);
        found.ok_or_else(|| Error::inconsistent("schema", missing()))
    }
}

fn next_id(len: usize, what: &'static str) -> Result<u32> {
    u32::try_from(len).map_err(|_| Error::Limit { what, value: len as u64, limit: u32::MAX.into() })
}

/// Why a column cannot be read by this version.
fn column_problem(kind: ColumnType, record: &ColumnRecord) -> Option<String> {
    let Some((least, most)) = kind.bits() else {
        return Some(format!("column type {:#04x} is unknown to this version", record.kind));
    };
    if record.unknown_flags != 0 {
        return Some(format!("column flag {:#06x} is unknown to this version", record.unknown_flags));
    }
    if !(least..=most).contains(&record.bits) {
        return Some(format!("a column of type {kind} cannot have {} bits", record.bits));
    }
    if kind == ColumnType::Real32Quant {
        let valid = record.range.is_some_and(|(min, max)| min.is_finite() && max.is_finite() && min < max);
        if !valid {
            return Some("a quantised column has no valid range".to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{Footer, Header, HeaderNames};

    const NAMES: HeaderNames<'static> = HeaderNames { name: "data", description: "", writer: "test" };

    fn field(parent: u32, role: FieldRole, name: &str) -> FieldRecord {
        FieldRecord { parent, role: role.code(), name: name.into(), ..FieldRecord::default() }
    }

    fn column(field: u32, first_element: Option<i64>) -> ColumnRecord {
        ColumnRecord { kind: ColumnType::Int8.code(), bits: 8, field, first_element, ..ColumnRecord::default() }
    }

    /// What header and footer say of a schema, read back.
    fn stored(schema: &Schema) -> (u64, Schema) {
        let header = Header::serialize(&NAMES, schema).unwrap();
        let footer = Footer::default().serialize(header.checksum, schema).unwrap();
        (header.checksum, Footer::parse(&footer.bytes, Header::parse(&header.bytes).unwrap()).unwrap().1)
    }

    /// A schema that was stored and is extended has the same header, and reads back with its extensions.
    #[test]
    fn extended_again_and_again() {
        let mut builder = SchemaBuilder::default();
        builder.add_field(field(0, FieldRole::Record, "r")).unwrap();
        builder.add_field(field(0, FieldRole::Plain, "a")).unwrap();
        builder.add_column(&column(1, None)).unwrap();
        let mut schema = builder.finish();
        let (checksum, _) = stored(&schema);
        for entries in 1..4 {
            let mut builder = SchemaBuilder::resume(schema);
            let fields = u32::try_from(builder.schema.fields.len()).unwrap();
            let columns = u32::try_from(builder.schema.columns.len()).unwrap();
            builder.add_field(field(0, FieldRole::Plain, "late")).unwrap();
            builder.add_field(field(fields + 1, FieldRole::Plain, "top")).unwrap();
            let projected = FieldRecord { source: Some(fields), ..field(fields + 2, FieldRole::Plain, "shown") };
            builder.add_field(projected).unwrap();
            builder.add_column(&column(fields, Some(entries))).unwrap();
            builder.add_column(&column(fields + 1, Some(0))).unwrap();
            builder.add_alias(AliasRecord { physical: columns, field: fields + 2 }).unwrap();
            let content = vec![1, 2, 3].into();
            let extra =
                ExtraTypeInfo { extension: false, content_id: 0, type_version: 0, type_name: "".into(), content };
            builder.add_extra(extra);
            schema = builder.finish();
            let (again, read) = stored(&schema);
            assert_eq!(again, checksum, "the header is what it was");
            assert_eq!(format!("{read:?}"), format!("{schema:?}"));
        }
        assert_eq!(schema.fields().iter().filter(|field| field.extension).count(), 9);
        assert_eq!(schema.columns().iter().filter(|column| column.extension).count(), 6);
        assert_eq!(schema.fields()[0].children.len(), 4);
        assert!(schema.extra_type_info().iter().all(|extra| extra.extension));
    }

    /// A schema opened again still knows how deep its fields are.
    #[test]
    fn depth_is_kept() {
        let mut builder = SchemaBuilder::default();
        for i in 0..MAX_FIELD_DEPTH {
            let parent = u32::try_from(i.saturating_sub(1)).unwrap();
            builder = SchemaBuilder::resume(builder.finish());
            builder.add_field(field(parent, FieldRole::Record, "r")).unwrap();
        }
        let last = u32::try_from(MAX_FIELD_DEPTH).unwrap() - 1;
        let mut builder = SchemaBuilder::resume(builder.finish());
        assert!(matches!(builder.add_field(field(last, FieldRole::Record, "r")), Err(Error::Limit { .. })));
    }
}
