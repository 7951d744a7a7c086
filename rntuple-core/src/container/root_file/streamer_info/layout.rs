//! Sizes of C++ types in memory, as ROOT on 64-bit Linux (libstdc++) has them.
//!
//! Streamer infos state them. Nothing depends on them when data are read, and some cannot be known (a class with
//! virtual functions looks like one without); they only are what ROOT would have written, as far as possible.

use crate::schema::{Field, FieldRole, Schema};

/// Size and alignment in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) size: u64,
    pub(super) align: u64,
}

impl Layout {
    const UNKNOWN: Self = Self::words(0);

    const fn of(size: u64) -> Self {
        Self { size, align: size }
    }

    /// Made of pointers.
    const fn words(size: u64) -> Self {
        Self { size, align: 8 }
    }

    fn is_empty(self) -> bool {
        self == Self::of(1)
    }

    /// Puts a part behind what is there.
    fn append(&mut self, part: Self) {
        let align = part.align.max(1);
        self.size = self.size.div_ceil(align).saturating_mul(align).saturating_add(part.size);
        self.align = self.align.max(align);
    }

    fn padded(mut self) -> Self {
        self.append(Self { size: 0, align: self.align });
        self.size = self.size.max(1);
        self
    }
}

/// The layout of a field's type. Recurses over the field's children, whose depth is limited.
pub(super) fn layout(schema: &Schema, field: &Field) -> Layout {
    let type_name = field.parsed_type();
    let children = || schema.children(field).map(|child| layout(schema, child));
    let inner = || children().next().unwrap_or(Layout::UNKNOWN);
    match type_name.name {
        "bool" | "char" | "std::byte" | "std::int8_t" | "std::uint8_t" => return Layout::of(1),
        "std::int16_t" | "std::uint16_t" => return Layout::of(2),
        "std::int32_t" | "std::uint32_t" | "float" => return Layout::of(4),
        "std::int64_t" | "std::uint64_t" | "double" => return Layout::of(8),
        "std::string" => return Layout::words(32),
        "std::unique_ptr" | "std::forward_list" => return Layout::words(8),
        "std::vector" if type_name.arguments.first() == Some(&"bool") => return Layout::words(40),
        "std::vector" | "std::list" => return Layout::words(24),
        "std::deque" => return Layout::words(80),
        "std::set" | "std::multiset" | "std::map" | "std::multimap" => return Layout::words(48),
        "std::unordered_set" | "std::unordered_multiset" | "std::unordered_map" | "std::unordered_multimap" => {
            return Layout::words(56);
        }
        "ROOT::VecOps::RVec" => return rvec(inner()),
        "std::bitset" => return Layout::words(field.array_size().unwrap_or_default().div_ceil(64).max(1) * 8),
        "std::array" => {
            let (inner, count) = (inner(), field.array_size().unwrap_or_default());
            return Layout { size: inner.size.saturating_mul(count).max(1), ..inner };
        }
        "std::optional" => {
            let mut all = inner();
            all.append(Layout::of(1));
            return all.padded();
        }
        _ => {}
    }
    match field.role {
        FieldRole::Plain => inner(),
        FieldRole::Variant => {
            // The largest alternative, then the number of the one that is held.
            let mut all = children().fold(Layout::of(1), |all, child| Layout {
                size: all.size.max(child.size),
                align: all.align.max(child.align),
            });
            all.append(Layout::of(1));
            all.padded()
        }
        FieldRole::Record => {
            let mut all = Layout { size: 0, align: 1 };
            for child in schema.children(field) {
                let part = layout(schema, child);
                if !(child.name.starts_with(':') && part.is_empty()) {
                    all.append(part);
                }
            }
            all.padded()
        }
        // A structure of arrays: one RVec for each member of the record.
        FieldRole::Collection if field.soa => {
            let members = schema.children(field).flat_map(|record| schema.children(record));
            let mut all = Layout { size: 0, align: 1 };
            members.for_each(|member| all.append(rvec(layout(schema, member))));
            all.padded()
        }
        _ => Layout::UNKNOWN,
    }
}

/// An `RVec` has room for some items in itself: as many as fill a cache line, or 8, unless those are too large.
pub(super) fn rvec(item: Layout) -> Layout {
    const HEAD: u64 = 16;
    const CACHE_LINE: u64 = 64;
    const MOST: u64 = 1024;
    let size = item.size.max(1);
    let in_line = (CACHE_LINE - HEAD) / size;
    let count = match in_line {
        8.. => in_line,
        _ if size.saturating_mul(8) > MOST => 0,
        _ => 8,
    };
    let mut all = Layout::words(HEAD);
    all.append(Layout { size: size.saturating_mul(count), align: item.align });
    all.padded()
}
