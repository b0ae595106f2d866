//! The protocol of `greeter`, as generated from `proto/greeter.proto`.

#![expect(
    missing_docs,
    unused_qualifications,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::use_self,
    reason = "generated"
)]

tonic::include_proto!("accept.greeter.v1");

/// What all protocols here have to offer, encoded as a `FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = tonic::include_file_descriptor_set!("descriptors");
