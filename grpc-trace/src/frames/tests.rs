use proptest::prelude::*;

use super::*;

fn wire(messages: &[(bool, Vec<u8>)]) -> Vec<u8> {
    let mut wire = Vec::new();
    for (compressed, message) in messages {
        wire.push(u8::from(*compressed));
        wire.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        wire.extend(message);
    }
    wire
}

fn read(reader: &mut FrameReader, bytes: &[u8]) -> Vec<Message> {
    let mut seen = Vec::new();
    reader.read(bytes, |message| seen.push(message));
    seen
}

#[test]
fn a_message_counts_when_its_last_byte_has_passed() {
    let mut reader = FrameReader::default();
    let wire = wire(&[(false, vec![7; 3])]);
    for byte in &wire[..7] {
        assert!(read(&mut reader, &[*byte]).is_empty());
    }
    let message = Message {
        compressed: false,
        size: 3,
    };
    assert_eq!(read(&mut reader, &wire[7..]), [message]);
}

#[test]
fn an_empty_message_counts_with_its_prefix() {
    let mut reader = FrameReader::default();
    assert_eq!(read(&mut reader, &[0, 0, 0, 0, 0, 1, 0, 0, 0, 0]).len(), 2);
}

#[test]
fn what_is_no_message_ends_the_count() {
    let mut reader = FrameReader::default();
    assert!(read(&mut reader, b"<html>").is_empty());
    assert!(read(&mut reader, &[0, 0, 0, 0, 0]).is_empty());
}

proptest! {
    #[test]
    fn messages_are_counted_wherever_the_frames_begin(
        messages in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..300)), 0..12),
        cuts in prop::collection::vec(1_usize..40, 1..60),
    ) {
        let wire = wire(&messages);
        let mut reader = FrameReader::default();
        let (mut seen, mut rest) = (Vec::new(), &wire[..]);
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at(rest.len().min(*cut));
            seen.extend(read(&mut reader, now));
            rest = later;
        }
        let expected: Vec<_> = messages
            .iter()
            .map(|(compressed, message)| Message {
                compressed: *compressed,
                size: u32::try_from(message.len()).unwrap(),
            })
            .collect();
        prop_assert_eq!(seen, expected);
    }

    #[test]
    fn no_bytes_make_the_reader_fail(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..64)) {
        let mut reader = FrameReader::default();
        for piece in &pieces {
            read(&mut reader, piece);
        }
    }
}
