//! The schema description: fields, columns, alias columns, extra type information (format-spec/schema.md). It stands
//! in the header, and again as the schema extension in the footer.

use super::frame;
use crate::error::Result;
use crate::schema::{AliasRecord, ColumnRecord, ExtraTypeInfo, FieldRecord, SchemaBuilder};
use crate::wire::Le;

const FIELD_REPETITIVE: u16 = 0x01;
const FIELD_PROJECTED: u16 = 0x02;
const FIELD_CHECKSUM: u16 = 0x04;
const FIELD_SOA: u16 = 0x08;
const COLUMN_DEFERRED: u16 = 0x01;
const COLUMN_RANGE: u16 = 0x02;

/// Adds everything that a description holds to the schema, behind what is there.
pub(super) fn read(cursor: &mut Le<'_>, schema: &mut SchemaBuilder) -> Result<()> {
    frame::each(cursor, "list of fields", |item| schema.add_field(field(item)?))?;
    frame::each(cursor, "list of columns", |item| schema.add_column(&column(item)?))?;
    frame::each(cursor, "list of alias columns", |item| {
        let (physical, field) = (item.u32("physical column")?, item.u32("field of a column")?);
        schema.add_alias(AliasRecord { physical, field })
    })?;
    frame::each(cursor, "list of extra type information", |item| {
        schema.add_extra(ExtraTypeInfo {
            content_id: item.u32("content identifier")?,
            type_version: item.u32("type version")?,
            type_name: item.string("type name")?,
            content: {
                let len = item.u32("content length")? as usize;
                item.take("type information", len)?.into()
            },
        });
        Ok(())
    })
}

fn field(item: &mut Le<'_>) -> Result<FieldRecord> {
    let version = item.u32("field version")?;
    let type_version = item.u32("type version")?;
    let parent = item.u32("parent field")?;
    let role = item.u16("structural role")?;
    let flags = item.u16("field flags")?;
    let name = item.string("field name")?;
    let type_name = item.string("type name")?;
    let type_alias = item.string("type alias")?;
    let description = item.string("field description")?;
    Ok(FieldRecord {
        version,
        type_version,
        parent,
        role,
        name,
        type_name,
        type_alias,
        description,
        repetitions: (flags & FIELD_REPETITIVE != 0).then(|| item.u64("array size")).transpose()?,
        source: (flags & FIELD_PROJECTED != 0).then(|| item.u32("source field")).transpose()?,
        type_checksum: (flags & FIELD_CHECKSUM != 0).then(|| item.u32("type checksum")).transpose()?,
        soa: flags & FIELD_SOA != 0,
        unknown_flags: flags & !(FIELD_REPETITIVE | FIELD_PROJECTED | FIELD_CHECKSUM | FIELD_SOA),
    })
}

fn column(item: &mut Le<'_>) -> Result<ColumnRecord> {
    let kind = item.u16("column type")?;
    let bits = item.u16("bits on storage")?;
    let field = item.u32("field of a column")?;
    let flags = item.u16("column flags")?;
    let representation = item.u16("representation index")?;
    Ok(ColumnRecord {
        kind,
        bits,
        field,
        representation,
        first_element: (flags & COLUMN_DEFERRED != 0).then(|| item.i64("first element index")).transpose()?,
        range: (flags & COLUMN_RANGE != 0)
            .then(|| Ok::<_, crate::Error>((item.f64("range minimum")?, item.f64("range maximum")?)))
            .transpose()?,
        unknown_flags: flags & !(COLUMN_DEFERRED | COLUMN_RANGE),
    })
}
