//! Errors while decoding, on their way up the tree of nodes.

use super::node::Node;
use crate::encoding::EncodingError;
use crate::error::{Error, Result};
use crate::schema::{ColumnType, FieldId};

/// An error on the way up the tree: a bad value still needs its position translated to that of the entry.
#[derive(Debug)]
pub(super) enum Fault {
    /// A value at a position in the array of the node that reports it.
    Value { field: FieldId, position: u64, reason: String },
    /// Anything else, and the field in which it happened.
    Other { field: FieldId, error: Error },
}

pub(super) type Decoded<T> = Result<T, Fault>;

impl Fault {
    /// Translates the position in a child's array to that in the parent's.
    pub(super) fn at(self, translate: impl FnOnce(u64) -> u64) -> Self {
        match self {
            Self::Value { field, position, reason } => Self::Value { field, position: translate(position), reason },
            other => other,
        }
    }
}

/// An error in one page.
#[derive(Debug)]
pub(super) enum PageFault {
    /// A value, counted from the first element that was asked for.
    Value {
        offset: usize,
        reason: String,
    },
    Other(Error),
}

impl PageFault {
    pub(super) fn unsupported(kind: ColumnType) -> Self {
        Self::Other(Error::inconsistent("column", format!("a column of type {kind} does not hold such values")))
    }

    /// The fault, of a part that `n` elements precede.
    pub(super) fn behind(self, n: usize) -> Self {
        match self {
            Self::Value { offset, reason } => Self::Value { offset: offset + n, reason },
            other => other,
        }
    }
}

impl From<EncodingError> for PageFault {
    fn from(error: EncodingError) -> Self {
        Self::Other(error.into())
    }
}

pub(super) fn other(node: &Node, error: impl Into<Error>) -> Fault {
    Fault::Other { field: node.id, error: error.into() }
}

pub(super) fn broken(node: &Node, reason: impl Into<String>) -> Fault {
    other(node, Error::inconsistent("data", reason))
}
