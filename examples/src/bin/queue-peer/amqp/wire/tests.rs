use amq_protocol::frame::{AMQPContentHeader, ProtocolVersion, gen_frame};
use lapin::BasicProperties;
use lapin::types::AMQPValue;

use super::*;

fn stream() -> Vec<u8> {
    let mut table = FieldTable::default();
    table.insert("traceparent".into(), AMQPValue::LongString("00-".into()));
    let header = AMQPContentHeader {
        class_id: 60,
        body_size: 5,
        properties: BasicProperties::default().with_headers(table),
    };
    let frames = [
        AMQPFrame::ProtocolHeader(ProtocolVersion::amqp_0_9_1()),
        AMQPFrame::Header(1, header),
        AMQPFrame::Body(1, b"hello".to_vec()),
        AMQPFrame::Heartbeat,
    ];
    frames.iter().fold(Vec::new(), |bytes, frame| {
        let written = gen_frame(frame)(bytes.into()).unwrap();
        written.into_inner().0
    })
}

#[test]
fn headers_are_seen_however_the_stream_is_cut() {
    let stream = stream();
    for size in [1, 2, 7, stream.len()] {
        let mut frames = Frames::default();
        let mut seen = Vec::new();
        let mut twice = stream.repeat(1);
        // The protocol's name stands at the beginning alone.
        twice.extend_from_slice(&stream[8..]);
        for piece in twice.chunks(size) {
            frames.read(piece, &mut |table| seen.push(table.clone()));
        }
        assert_eq!(seen.len(), 2, "pieces of {size}");
        assert!(seen[0].inner().contains_key("traceparent"));
        assert!(frames.rest.is_empty() && !frames.lost);
    }
}

#[test]
fn what_is_no_frame_is_not_kept() {
    let mut frames = Frames::default();
    frames.read(b"GET / HTTP/1.1\r\n\r\n", &mut |_| panic!("no header"));
    assert!(frames.lost);
    frames.read(&[0; 1 << 16], &mut |_| panic!("no header"));
    assert!(frames.rest.len() < 1024);
}
