//! OTLP as JSON ([specification](https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding)), written from the bytes of the same message:
//! there is one encoder, the spool holds what it has written, and who wants JSON pays for it.

mod schema;

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use self::schema::{Kind, LOGS, METRICS, Message, TRACES};
use super::Signal;
use super::protobuf::{Field, Reader};

/// The same message as JSON. `None` if it is none of Protocol Buffers.
pub(super) fn transcode(signal: Signal, message: &[u8]) -> Option<Vec<u8>> {
    let schema = match signal {
        Signal::Logs => &LOGS,
        Signal::Metrics => &METRICS,
        Signal::Traces => &TRACES,
    };
    // Names take more room than tags.
    let mut json = String::with_capacity(3 * message.len());
    object(&mut json, schema, message)?;
    Some(json.into_bytes())
}

fn object(json: &mut String, schema: &Message, message: &[u8]) -> Option<()> {
    let mut reader = Reader::new(message);
    // Fields of which there are many stand together in JSON, wherever they are in the message.
    let mut written = 0_u64;
    json.push('{');
    loop {
        let here = reader;
        let Some((number, field)) = reader.next() else {
            break;
        };
        let known = schema.0.iter().find(|(known, ..)| *known == number);
        // All numbers of the schema are small.
        let Some((_, name, kind)) = known.filter(|_| written >> number & 1 == 0) else {
            continue;
        };
        if written != 0 {
            json.push(',');
        }
        written |= 1 << number;
        text(json, name);
        json.push(':');
        match kind {
            Kind::Many(of) => array(json, of, number, here)?,
            kind => value(json, kind, field)?,
        }
    }
    json.push('}');
    (!reader.is_malformed()).then_some(())
}

/// All messages of this field, from `reader` on.
fn array(json: &mut String, of: &Message, field: u32, mut reader: Reader<'_>) -> Option<()> {
    let mut between = '[';
    while let Some((number, value)) = reader.next() {
        if let Field::Bytes(message) = value
            && number == field
        {
            json.push(between);
            object(json, of, message)?;
            between = ',';
        }
    }
    json.push(']');
    Some(())
}

fn value(json: &mut String, kind: &Kind, value: Field<'_>) -> Option<()> {
    // To write into a text cannot fail.
    let _ = match (kind, value) {
        (Kind::One(of), Field::Bytes(message)) => return object(json, of, message),
        (Kind::Text, Field::Bytes(bytes)) => {
            text(json, &String::from_utf8_lossy(bytes));
            Ok(())
        }
        (Kind::Hex, Field::Bytes(bytes)) => {
            json.push('"');
            let digits = bytes.iter().try_for_each(|byte| write!(json, "{byte:02x}"));
            json.push('"');
            digits
        }
        (Kind::Base64, Field::Bytes(bytes)) => write!(json, "\"{}\"", STANDARD.encode(bytes)),
        (Kind::Numbers, Field::Bytes(packed)) => {
            each(json, packed, |json, bits| write!(json, "\"{bits}\""))
        }
        (Kind::Doubles, Field::Bytes(packed)) => each(json, packed, double),
        (Kind::Flag, Field::Varint(flag)) => write!(json, "{}", flag != 0),
        (Kind::Number, Field::Varint(number)) => write!(json, "{number}"),
        (Kind::Number, Field::Fixed32(number)) => write!(json, "{number}"),
        (Kind::Integer, Field::Varint(bits) | Field::Fixed64(bits)) => {
            write!(json, "\"{}\"", bits.cast_signed())
        }
        (Kind::Unsigned, Field::Fixed64(number)) => write!(json, "\"{number}\""),
        (Kind::Double, Field::Fixed64(bits)) => double(json, bits),
        _ => return None,
    };
    Some(())
}

fn each(
    json: &mut String,
    packed: &[u8],
    mut one: impl FnMut(&mut String, u64) -> std::fmt::Result,
) -> std::fmt::Result {
    let (numbers, _) = packed.as_chunks();
    json.push('[');
    for (index, number) in numbers.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        one(json, u64::from_le_bytes(*number))?;
    }
    json.push(']');
    Ok(())
}

/// What is no number has a name.
fn double(json: &mut String, bits: u64) -> std::fmt::Result {
    let number = f64::from_bits(bits);
    if number.is_finite() {
        write!(json, "{number:?}")
    } else if number.is_nan() {
        json.write_str("\"NaN\"")
    } else {
        json.write_str(if number > 0.0 {
            "\"Infinity\""
        } else {
            "\"-Infinity\""
        })
    }
}

fn text(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            '\0'..' ' => {
                let _ = write!(json, "\\u{:04x}", u32::from(character));
            }
            _ => json.push(character),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests;
