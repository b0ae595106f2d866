//! The methods in a set of protocol descriptors.

use std::error::Error;
use std::fmt;

/// Bytes that are no `google.protobuf.FileDescriptorSet`. Given by [`TraceLayer::descriptors`](crate::TraceLayer::descriptors).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidDescriptors;

impl fmt::Display for InvalidDescriptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("these bytes are no FileDescriptorSet")
    }
}

impl Error for InvalidDescriptors {}

/// Every method of every service, as `package.Service/Method`.
pub(crate) fn methods(set: &[u8]) -> Result<Vec<String>, InvalidDescriptors> {
    // The numbers are those of `descriptor.proto`.
    const FILE: u64 = 1;
    const PACKAGE: u64 = 2;
    const SERVICE: u64 = 6;
    const NAME: u64 = 1;
    const METHOD: u64 = 2;

    let mut found = Vec::new();
    for file in fields(set, FILE)? {
        let package = text(file, PACKAGE)?;
        for service in fields(file, SERVICE)? {
            let name = text(service, NAME)?;
            for method in fields(service, METHOD)? {
                let dot = if package.is_empty() { "" } else { "." };
                let method = text(method, NAME)?;
                found.push([package, dot, name, "/", method].concat());
            }
        }
    }
    Ok(found)
}

/// The last text of this number; empty where there is none.
fn text(message: &[u8], number: u64) -> Result<&str, InvalidDescriptors> {
    let last = fields(message, number)?.pop().unwrap_or_default();
    std::str::from_utf8(last).map_err(|_| InvalidDescriptors)
}

/// All fields of this number that have a length.
fn fields(message: &[u8], number: u64) -> Result<Vec<&[u8]>, InvalidDescriptors> {
    let mut found = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let tag = varint(&mut rest)?;
        match tag & 7 {
            0 => drop(varint(&mut rest)?),
            1 => drop(take(&mut rest, 8)?),
            2 => {
                let length = varint(&mut rest)?;
                let value = take(&mut rest, length)?;
                if tag >> 3 == number {
                    found.push(value);
                }
            }
            5 => drop(take(&mut rest, 4)?),
            _ => return Err(InvalidDescriptors),
        }
    }
    Ok(found)
}

fn take<'a>(rest: &mut &'a [u8], length: u64) -> Result<&'a [u8], InvalidDescriptors> {
    let length = usize::try_from(length).map_err(|_| InvalidDescriptors)?;
    let (taken, after) = rest.split_at_checked(length).ok_or(InvalidDescriptors)?;
    *rest = after;
    Ok(taken)
}

fn varint(rest: &mut &[u8]) -> Result<u64, InvalidDescriptors> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first().ok_or(InvalidDescriptors)?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Ok(number);
        }
    }
    Err(InvalidDescriptors)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;

    use super::*;

    // As much of `descriptor.proto` as is read, and a field or two that are not.
    #[derive(Clone, PartialEq, Message)]
    struct Set {
        #[prost(message, repeated, tag = "1")]
        file: Vec<File>,
    }

    #[derive(Clone, PartialEq, Message)]
    struct File {
        #[prost(string, tag = "1")]
        name: String,
        #[prost(string, tag = "2")]
        package: String,
        #[prost(message, repeated, tag = "6")]
        service: Vec<Service>,
        #[prost(int32, repeated, tag = "10")]
        public_dependency: Vec<i32>,
    }

    #[derive(Clone, PartialEq, Message)]
    struct Service {
        #[prost(string, tag = "1")]
        name: String,
        #[prost(message, repeated, tag = "2")]
        method: Vec<Method>,
    }

    #[derive(Clone, PartialEq, Message)]
    struct Method {
        #[prost(string, tag = "1")]
        name: String,
        #[prost(string, tag = "2")]
        input_type: String,
        #[prost(bool, tag = "5")]
        client_streaming: bool,
    }

    fn service(name: &str, methods: &[&str]) -> Service {
        let method = |name: &&str| Method {
            name: (*name).to_owned(),
            input_type: ".shop.v1.Order".to_owned(),
            client_streaming: true,
        };
        Service {
            name: name.to_owned(),
            method: methods.iter().map(method).collect(),
        }
    }

    #[test]
    fn every_method_of_every_service_is_found() {
        let file = |package: &str, service: Vec<Service>| File {
            name: "x.proto".to_owned(),
            package: package.to_owned(),
            service,
            public_dependency: vec![3, 400],
        };
        let orders = service("Orders", &["Place", "Cancel"]);
        let set = Set {
            file: vec![
                file("shop.v1", vec![orders, service("Stock", &["Reserve"])]),
                file("google.protobuf", Vec::new()),
                file("", vec![service("Bare", &["Call"])]),
            ],
        };
        let found = methods(&set.encode_to_vec()).unwrap();
        assert_eq!(
            found,
            [
                "shop.v1.Orders/Place",
                "shop.v1.Orders/Cancel",
                "shop.v1.Stock/Reserve",
                "Bare/Call",
            ]
        );
    }

    #[test]
    fn other_bytes_are_refused() {
        for bytes in [&b"not a set"[..], &[0x0a, 0xff], &[0x0b], &[0xff; 20]] {
            assert_eq!(methods(bytes), Err(InvalidDescriptors), "{bytes:?}");
        }
        assert_eq!(methods(&[]), Ok(Vec::new()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = methods(&bytes);
        }
    }
}
