//! The schema description: fields, columns, alias columns, extra type information (format-spec/schema.md). It stands
//! in the header, and again as the schema extension in the footer.

use super::frame;
use crate::error::{Error, Result};
use crate::schema::{AliasRecord, Column, ColumnRecord, ExtraTypeInfo, Field, FieldRecord, Schema, SchemaBuilder};
use crate::wire::{Le, LeWriter};

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
            extension: false,
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
            .then(|| Ok::<_, Error>((item.f64("range minimum")?, item.f64("range maximum")?)))
            .transpose()?,
        unknown_flags: flags & !(COLUMN_DEFERRED | COLUMN_RANGE),
    })
}

/// Which half of a schema a description holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// What was there from the start.
    Header,
    /// What was added while writing.
    Extension,
}

impl Part {
    /// The items of this part. Numbers run through the header first and then through the extension, so that no item of
    /// the header may come behind one of the extension.
    fn of<'a, T>(self, what: &'static str, items: &'a [T], extension: impl Fn(&T) -> bool) -> Result<&'a [T]> {
        let (header, added) = items.split_at(items.partition_point(|item| !extension(item)));
        if header.iter().any(&extension) || !added.iter().all(&extension) {
            return Err(Error::inconsistent(what, "something of the header comes behind the schema extension"));
        }
        Ok(if self == Self::Header { header } else { added })
    }

    /// Refuses what an item of the header says about a field that only the extension describes.
    fn check(self, what: &'static str, id: u32, schema: &Schema, field: u32) -> Result<()> {
        match schema.fields().get(field as usize) {
            Some(field) if self == Self::Extension || !field.extension => Ok(()),
            Some(_) => Err(Error::inconsistent(what, format!("{id} refers from the header to the schema extension"))),
            None => Err(Error::inconsistent(what, format!("{id} refers to field {field}, which does not exist"))),
        }
    }
}

/// Writes the description of one part of a schema.
pub(super) fn write(out: &mut LeWriter, schema: &Schema, part: Part) -> Result<()> {
    let fields = part.of("list of fields", schema.fields(), |field| field.extension)?;
    let columns = part.of("list of columns", schema.columns(), |column| column.extension)?;
    let aliases = part.of("list of alias columns", schema.aliases(), |alias| alias.extension)?;
    let extra = part.of("list of extra type information", schema.extra_type_info(), |extra| extra.extension)?;
    frame::put_records(out, "list of fields", fields, |out, field| {
        writable("field", field.id.0, field.problem.as_deref())?;
        for other in field.parent.iter().chain(&field.source) {
            part.check("field", field.id.0, schema, other.0)?;
        }
        put_field(out, field)
    })?;
    frame::put_records(out, "list of columns", columns, |out, column| {
        writable("column", column.id.0, column.problem.as_deref())?;
        part.check("column", column.id.0, schema, column.field.0)?;
        put_column(out, column);
        Ok(())
    })?;
    frame::put_records(out, "list of alias columns", aliases, |out, alias| {
        let id = alias.physical.0;
        part.check("alias of column", id, schema, alias.field.0)?;
        let physical = schema.column(alias.physical);
        if physical.is_none_or(|column| part == Part::Header && column.extension) {
            let reason = format!("column {id} is not in the header, or does not exist");
            return Err(Error::inconsistent("alias column", reason));
        }
        out.u32(alias.physical.0);
        out.u32(alias.field.0);
        Ok(())
    })?;
    frame::put_records(out, "list of extra type information", extra, |out, extra| {
        out.u32(extra.content_id);
        out.u32(extra.type_version);
        out.string("type name", &extra.type_name)?;
        out.blob("type information", &extra.content)
    })
}

/// What is not understood may mean more than was kept of it, so it is not written.
fn writable(what: &'static str, id: u32, problem: Option<&str>) -> Result<()> {
    match problem {
        Some(problem) => Err(Error::inconsistent(what, format!("{id} cannot be written: {problem}"))),
        None => Ok(()),
    }
}

fn put_field(out: &mut LeWriter, field: &Field) -> Result<()> {
    let flag = |set: bool, flag: u16| if set { flag } else { 0 };
    out.u32(field.version);
    out.u32(field.type_version);
    out.u32(field.parent.unwrap_or(field.id).0);
    out.u16(field.role.code());
    out.u16(
        flag(field.repetitions.is_some(), FIELD_REPETITIVE)
            | flag(field.source.is_some(), FIELD_PROJECTED)
            | flag(field.type_checksum.is_some(), FIELD_CHECKSUM)
            | flag(field.soa, FIELD_SOA),
    );
    out.string("field name", &field.name)?;
    out.string("type name", &field.type_name)?;
    out.string("type alias", &field.type_alias)?;
    out.string("field description", &field.description)?;
    if let Some(repetitions) = field.repetitions {
        out.u64(repetitions);
    }
    if let Some(source) = field.source {
        out.u32(source.0);
    }
    if let Some(checksum) = field.type_checksum {
        out.u32(checksum);
    }
    Ok(())
}

fn put_column(out: &mut LeWriter, column: &Column) {
    out.u16(column.kind.code());
    out.u16(column.bits);
    out.u32(column.field.0);
    let deferred = if column.stored_first.is_some() { COLUMN_DEFERRED } else { 0 };
    out.u16(deferred | if column.range.is_some() { COLUMN_RANGE } else { 0 });
    out.u16(column.representation);
    if let Some(first) = column.stored_first {
        out.i64(first);
    }
    if let Some((min, max)) = column.range {
        out.f64(min);
        out.f64(max);
    }
}
