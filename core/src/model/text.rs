//! What a text says for a field: of a flag, a cell, an input of a screen.

use super::Value;
use super::field::{Shape, expected};
use super::invalid::{Invalid, Wrong};

/// The value that a text says for a field of this shape, as flags and cells have it.
pub fn parse(name: &str, shape: Shape, text: &str) -> Result<Value, Invalid> {
    let wrong = || Invalid::shape(name, shape);
    let number = || text.parse::<i64>().map(Value::Int).map_err(|_| wrong());
    match shape {
        Shape::Int { .. } | Shape::Counts { .. } => number(),
        Shape::IntOrUnknown { .. } if text == "unknown" => Ok(text.into()),
        Shape::IntOrUnknown { .. } => number(),
        Shape::CodeSet(_) => match text {
            "true" | "yes" => Ok(true.into()),
            "false" | "no" => Ok(false.into()),
            _ => Err(wrong()),
        },
        Shape::List(_) => Err(Invalid::new(name, Wrong::IsAList, expected(shape))),
        _ => Ok(text.into()),
    }
}
