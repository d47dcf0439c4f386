//! Answers and sums as rows of the projection hold them: readable by the version that wrote them, whose
//! words are numbered by their place in the catalogue; another version builds the projection anew.

use crate::model::answers::{Answers, Named, Word};
use crate::model::catalogue::words;
use crate::model::{Answer, Kind, cbor};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Canonical CBOR `[fields, lists]`: names and codes of the declarations as their place among
/// [`words`], so that it is read only by the version that wrote it.
pub(super) fn encode_answers(answers: &Answers) -> Vec<u8> {
    cbor::encode(|encoder| {
        encoder.array(2)?;
        write_named(encoder, &answers.fields)?;
        encoder.array(answers.lists.len() as u64)?;
        for (list, elements) in &answers.lists {
            encoder.array(2)?;
            write_word(encoder, list)?;
            encoder.array(elements.len() as u64)?;
            for element in elements {
                write_named(encoder, element)?;
            }
        }
        Ok(())
    })
}

/// Reads what [`encode_answers`] of the same version wrote.
pub(super) fn decode_answers(kind: Kind, bytes: &[u8]) -> Result<Answers, cbor::Malformed> {
    let mut decoder = minicbor::Decoder::new(bytes);
    cbor::array_of(&mut decoder, 2)?;
    let fields = read_named(&mut decoder)?;
    let mut lists = Vec::new();
    for _ in 0..cbor::array_up_to(&mut decoder, 1_000, "lists")? {
        cbor::array_of(&mut decoder, 2)?;
        let list = read_word(&mut decoder)?;
        let count = cbor::array_up_to(&mut decoder, 1_000_000, "elements")?;
        let elements = (0..count).map(|_| read_named(&mut decoder)).collect::<Result<_, _>>()?;
        lists.push((list, elements));
    }
    Ok(Answers { kind, fields, lists })
}

/// Canonical CBOR of sums, readable by the version that wrote it.
pub(super) fn encode_sums(sums: &BTreeMap<Word, i64>) -> Vec<u8> {
    cbor::encode(|encoder| {
        encoder.map(sums.len() as u64)?;
        for (name, n) in sums {
            write_word(encoder, name)?;
            encoder.i64(*n)?;
        }
        Ok(())
    })
}

/// Reads what [`encode_sums`] wrote.
pub(super) fn decode_sums(bytes: &[u8]) -> Result<BTreeMap<Word, i64>, cbor::Malformed> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let count = cbor::map_up_to(&mut decoder, 10_000, "sums")?;
    (0..count).map(|_| Ok((read_word(&mut decoder)?, decoder.i64()?))).collect()
}

fn write_word(encoder: &mut cbor::Writer, word: &str) -> cbor::Written {
    match words().1.get(word) {
        Some(place) => encoder.u16(*place)?,
        None => encoder.str(word)?,
    };
    Ok(())
}

fn read_word(decoder: &mut minicbor::Decoder<'_>) -> Result<Word, cbor::Malformed> {
    if decoder.datatype()? == minicbor::data::Type::String {
        return Ok(Cow::Owned(decoder.str()?.to_owned()));
    }
    let place = usize::from(decoder.u16()?);
    let word = words().0.get(place).ok_or(cbor::Malformed::NotCanonical)?;
    Ok(Cow::Borrowed(*word))
}

fn write_named(encoder: &mut cbor::Writer, named: &[(Word, Answer)]) -> cbor::Written {
    encoder.map(named.len() as u64)?;
    for (name, answer) in named {
        write_word(encoder, name)?;
        match answer {
            Answer::Flag(flag) => _ = encoder.bool(*flag)?,
            Answer::Text => _ = encoder.null()?,
            Answer::Word(word) => write_word(encoder, word)?,
            // A number is told from a word's place by the array around it.
            Answer::Number(number) => _ = encoder.array(1)?.i64(*number)?,
        }
    }
    Ok(())
}

fn read_named(decoder: &mut minicbor::Decoder<'_>) -> Result<Named, cbor::Malformed> {
    use minicbor::data::Type;
    let count = cbor::map_up_to(decoder, 1_000_000, "answers")?;
    let mut named = Named::with_capacity((count as usize).min(64));
    for _ in 0..count {
        let name = read_word(decoder)?;
        let answer = match decoder.datatype()? {
            Type::Bool => Answer::Flag(decoder.bool()?),
            Type::Null => {
                decoder.null()?;
                Answer::Text
            }
            Type::Array => {
                cbor::array_of(decoder, 1)?;
                Answer::Number(decoder.i64()?)
            }
            _ => Answer::Word(read_word(decoder)?),
        };
        named.push((name, answer));
    }
    Ok(named)
}
