//! Frames as bytes.

use amq_protocol::frame::{AMQPContentHeader, AMQPFrame, WriteContext, gen_frame, parse_frame};
use amq_protocol::protocol::constants::{FRAME_BODY, FRAME_END, FRAME_HEADER, FRAME_METHOD};
use amq_protocol::protocol::{AMQPClass, BasicProperties};

use super::fault::Fault;
use super::nesting::is_too_deep;

/// The class of messages.
pub(super) const BASIC: u16 = 60;

/// The largest frame that is spoken of, in bytes: RabbitMQ's own default.
pub(super) const FRAME_MAX: usize = 131_072;

/// What stands around the payload: type, channel and size before it, the end behind it.
const AROUND: usize = 8;

/// The bytes of one frame, and what they say.
#[derive(Debug, PartialEq)]
pub(super) struct Decoded {
    pub(super) frame: Result<AMQPFrame, Fault>,
    pub(super) length: usize,
}

/// The first frame in `bytes`; none if it has not come whole. After an error nobody knows where the next one would begin.
pub(super) fn decode(bytes: &[u8]) -> Result<Option<Decoded>, Fault> {
    let length = match bytes {
        [b'A', ..] => AROUND,
        [_, _, _, a, b, c, d, ..] => {
            let size = u32::from_be_bytes([*a, *b, *c, *d]);
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            size.saturating_add(AROUND)
        }
        _ => return Ok(None),
    };
    if length > FRAME_MAX {
        return Err(Fault::frame_error(format!("a frame of {length} bytes")));
    }
    let Some(bytes) = bytes.get(..length) else {
        return Ok(None);
    };
    if bytes[0] != b'A' && bytes[length - 1] != FRAME_END {
        return Err(Fault::frame_error("a frame without its end"));
    }
    if matches!(bytes[0], FRAME_METHOD | FRAME_HEADER) && is_too_deep(bytes) {
        let frame = Err(Fault::syntax_error("tables too deep in each other"));
        return Ok(Some(Decoded { frame, length }));
    }
    let frame = parse_frame(bytes).map(|(_, frame)| frame);
    let frame = frame.map_err(|_| match bytes[0] {
        // RabbitMQ's decoder of properties does not survive this, and says so.
        FRAME_HEADER => Fault::internal_error("properties that cannot be read"),
        FRAME_METHOD => Fault::syntax_error("a method that cannot be read"),
        _ => Fault::frame_error("a frame of no known type"),
    });
    Ok(Some(Decoded { frame, length }))
}

/// Writes a method behind what is in `to`.
pub(super) fn put_method(to: &mut Vec<u8>, channel: u16, method: AMQPClass) {
    to.extend(encode(&AMQPFrame::Method(channel, method)));
}

/// Writes a frame that is no method.
pub(super) fn put_frame(to: &mut Vec<u8>, frame: &AMQPFrame) {
    to.extend(encode(frame));
}

/// The payload of a header frame.
pub(super) fn header_payload(properties: &BasicProperties, body_size: usize) -> Vec<u8> {
    let header = AMQPContentHeader {
        class_id: BASIC,
        body_size: u64::try_from(body_size).unwrap_or(u64::MAX),
        properties: properties.clone(),
    };
    let mut frame = encode(&AMQPFrame::Header(0, header));
    frame.pop();
    frame.drain(..AROUND - 1);
    frame
}

/// Writes the header and the body of a message, in frames no larger than the client wants.
pub(super) fn put_content(to: &mut Vec<u8>, channel: u16, max: usize, header: &[u8], body: &[u8]) {
    put_raw(to, FRAME_HEADER, channel, header);
    for part in body.chunks(max - AROUND) {
        put_raw(to, FRAME_BODY, channel, part);
    }
}

fn put_raw(to: &mut Vec<u8>, kind: u8, channel: u16, payload: &[u8]) {
    to.push(kind);
    to.extend(channel.to_be_bytes());
    to.extend(
        u32::try_from(payload.len())
            .unwrap_or(u32::MAX)
            .to_be_bytes(),
    );
    to.extend(payload);
    to.push(FRAME_END);
}

fn encode(frame: &AMQPFrame) -> Vec<u8> {
    match gen_frame(frame)(WriteContext::from(Vec::new())) {
        Ok(written) => written.into_inner().0,
        Err(error) => unreachable!("memory takes every frame: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use amq_protocol::frame::ProtocolVersion;
    use amq_protocol::types::{AMQPValue, FieldTable};
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> (AMQPFrame, usize) {
        let decoded = decode(bytes).unwrap().unwrap();
        (decoded.frame.unwrap(), decoded.length)
    }

    #[test]
    fn a_frame_is_read_when_it_has_come_whole() {
        let mut bytes = encode(&AMQPFrame::Body(7, b"hello".to_vec()));
        bytes.extend(encode(&AMQPFrame::Heartbeat));
        for end in 0..13 {
            assert_eq!(decode(&bytes[..end]), Ok(None), "{end}");
        }
        assert_eq!(read(&bytes), (AMQPFrame::Body(7, b"hello".to_vec()), 13));
        assert_eq!(read(&bytes[13..]), (AMQPFrame::Heartbeat, 8));
        let greeting = AMQPFrame::ProtocolHeader(ProtocolVersion::amqp_0_9_1());
        assert_eq!(read(b"AMQP\0\0\x09\x01"), (greeting, 8));
    }

    #[test]
    fn a_short_string_among_the_headers_is_an_internal_error() {
        let mut table = FieldTable::default();
        table.insert("traceparent".into(), AMQPValue::ShortString("00-".into()));
        let properties = BasicProperties::default().with_headers(table);
        let mut bytes = Vec::new();
        let header = header_payload(&properties, 0);
        put_content(&mut bytes, 1, FRAME_MAX, &header, b"");
        let Err(Fault::Connection(reply)) = decode(&bytes).unwrap().unwrap().frame else {
            panic!("{bytes:?} was read");
        };
        assert_eq!(reply.code, 541);
    }

    #[test]
    fn what_is_no_frame_at_all_is_an_error() {
        assert!(decode(&[1, 0, 0, 0xff, 0, 0, 0, 0]).is_err());
        let mut bytes = encode(&AMQPFrame::Heartbeat);
        *bytes.last_mut().unwrap() = 0;
        assert!(decode(&bytes).is_err());
    }

    /// As many lists in each other as fit into a frame: to decode them all would take more stack than there is.
    #[test]
    fn tables_deep_in_each_other_are_refused_and_not_decoded() {
        let mut value = vec![b'V'];
        while value.len() < FRAME_MAX - 100 {
            // Built from the inside out, backwards.
            let length = u32::try_from(value.len()).unwrap();
            value.extend(length.to_le_bytes());
            value.push(b'A');
        }
        value.reverse();
        let mut headers = b"\x04deep".to_vec();
        headers.extend(value);
        let mut header = header_payload(&BasicProperties::default(), 0);
        let flags = header.len() - 2;
        header[flags..].copy_from_slice(&(1_u16 << 13).to_be_bytes());
        header.extend(u32::try_from(headers.len()).unwrap().to_be_bytes());
        header.extend(headers);
        let mut bytes = Vec::new();
        put_content(&mut bytes, 1, FRAME_MAX, &header, b"");
        let Err(Fault::Connection(reply)) = decode(&bytes).unwrap().unwrap().frame else {
            panic!("it was read");
        };
        assert_eq!(reply.code, 502);
    }

    #[test]
    fn a_body_is_sent_in_frames_of_the_right_size() {
        let mut bytes = Vec::new();
        let body = vec![b'x'; 10_000];
        let header = header_payload(&BasicProperties::default(), body.len());
        put_content(&mut bytes, 3, 4096, &header, &body);
        let mut rest = bytes.as_slice();
        let mut parts = Vec::new();
        while !rest.is_empty() {
            let (frame, length) = read(rest);
            rest = &rest[length..];
            if let AMQPFrame::Body(3, part) = frame {
                parts.push(part.len());
            }
        }
        assert_eq!(parts, [4088, 4088, 1824]);
    }

    proptest! {
        #[test]
        fn nothing_that_comes_makes_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(Some(decoded)) = decode(&bytes) {
                prop_assert!(decoded.length <= bytes.len());
            }
        }
    }
}
