//! What is computed over all kinds.

use super::Kind;
use super::schema::Shape;
use std::collections::BTreeSet;

/// The names of all coded fields that totals can be split by: of all kinds, those of list elements as
/// `list.field`, and codes that follow from others. The site has a split of its own, and a void record
/// counts nowhere.
pub fn coded_fields() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for kind in Kind::ALL {
        for field in kind.fields() {
            match field.shape {
                Shape::Code(_) | Shape::CodeSet(_) => _ = names.insert(field.name.to_owned()),
                Shape::List(fields) => {
                    let coded = fields.iter().filter(|field| matches!(field.shape, Shape::Code(_)));
                    names.extend(coded.map(|inner| format!("{}.{}", field.name, inner.name)));
                }
                _ => {}
            }
        }
        names.extend(kind.declaration().derived.iter().map(|derived| derived.name.to_owned()));
    }
    names.retain(|name| {
        !["site", "void", "import_key"].contains(&name.as_str()) && !name.ends_with(".void")
    });
    names
}
