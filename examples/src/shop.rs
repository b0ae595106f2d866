//! The protocols between services of the shop, as generated from `proto/shop.proto`.

#![expect(
    missing_docs,
    unused_qualifications,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]

tonic::include_proto!("shop.v1");
