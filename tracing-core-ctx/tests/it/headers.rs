//! A million headers, valid ones with a few bytes changed among pure noise: nothing panics, what is read is what a slow and plain
//! reading of the grammar gives, and what is written for it is read back as the same.

mod expected;
mod input;

use std::panic::{self, AssertUnwindSafe};

use expected::Expected;
use input::{Headers, Rng};
use tracing_core_ctx::Context;
use tracing_core_ctx::propagation::{
    B3, BaggagePropagator, Extraction, Jaeger, Propagator, TraceContext, XRay,
};

/// Inputs for each test: with the six of them, a million in all.
const INPUTS: u32 = 168_000;

/// Half of the inputs are the same in every run. To repeat a failure, put the seed that it names here.
const SEED: u64 = 0x4bf9_2f35_77b3_4da6;

#[test]
fn traceparent() {
    let valid = &[
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-12345678901234567890123456789012-1234567890123456-00",
        "cc-00000000000000000000000000000001-0000000000000001-ff-what-the-future-will-be-like",
    ];
    hammer(&TraceContext::default(), expected::traceparent, |rng| {
        let mut headers = Headers::new(rng, "traceparent", valid);
        if rng.one_in(16) {
            headers.and(rng, "traceparent", valid);
        }
        headers
    });
}

#[test]
fn tracestate() {
    let valid = &[
        "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
        "foo=1 \t , \t bar=2,,foo@bar@baz= 3 4",
        "ot=th:8;rv:4bf92f3577b34d",
        "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9,j=0,k=1,l=2,m=3,n=4,o=5,p=6,q=7,r=8,s=9,t=0,u=1,v=2,w=3,x=4,y=5,z=6,0=1,1=2,2=3,3=4",
    ];
    hammer(&TraceContext::default(), expected::tracestate, |rng| {
        let mut headers = Headers::new(rng, "tracestate", valid);
        while rng.one_in(3) {
            headers.and(rng, "tracestate", valid);
        }
        headers.exactly(
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03",
        );
        headers
    });
}

#[test]
fn baggage() {
    let valid = &[
        "userId=Am%C3%A9lie,serverNode=DF%2028,isProduction=false",
        "SomeKey \t = \t SomeValue \t ; \t SomeProp \t , \t SomeKey2 = SomeValue2 ; ValueProp = PropVal",
        "share=50%25,share=50%,plus=1+1,bytes=%ff%C3%28",
        "SomeKey=SomeValue=equals,=,;,a=",
    ];
    hammer(&BaggagePropagator::default(), expected::baggage, |rng| {
        let mut headers = Headers::new(rng, "baggage", valid);
        while rng.one_in(3) {
            headers.and(rng, "baggage", valid);
        }
        headers
    });
}

#[test]
fn b3() {
    let valid = &[
        "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1-05e3ac9a4f6e3b90",
        "80F198EE56343BA864FE8B2A57D3EFF7-e457b5a2e4d86bd1-d",
        "64fe8b2a57d3eff7-e457b5a2e4d86bd1",
        "64fe8b2a57d3eff7-e457b5a2e4d86bd1-0",
        "0",
        "1",
        "d",
    ];
    hammer(&B3::single(), expected::b3, |rng| {
        Headers::new(rng, "b3", valid)
    });
}

#[test]
fn uber_trace_id() {
    let valid = &[
        "4bf92f3577b34da6a3ce929d0e0e4736:00f067aa0ba902b7:0:1",
        "A3CE929D0E0E4736:f067aa0ba902b7:1234567890abcdef:3",
        "1:1::0b",
        "4bf92f3577b34da6a3ce929d0e0e4736%3A00f067aa0ba902b7%3a0%3A1",
    ];
    hammer(&Jaeger::default(), expected::jaeger, |rng| {
        Headers::new(rng, "uber-trace-id", valid)
    });
}

#[test]
fn x_amzn_trace_id() {
    let valid = &[
        "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1",
        "Sampled=0 ; Parent=00F067AA0BA902B7; Self=1-67891234-12456789abcdef012345678;Root=1-4BF92F35-77b34da6a3ce929d0e0e4736",
        "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=?;Lineage=a87bd80c:1",
        "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7",
    ];
    hammer(&XRay::default(), expected::xray, |rng| {
        Headers::new(rng, "x-amzn-trace-id", valid)
    });
}

/// Feeds `propagator` with what `make` makes and compares with what `expect` expects.
fn hammer(
    propagator: &dyn Propagator,
    expect: fn(&Headers) -> Expected,
    make: impl Fn(&mut Rng) -> Headers,
) {
    let (mut well_formed, mut malformed) = (0, 0);
    for seed in [SEED, Rng::random_seed()] {
        let mut rng = Rng::new(seed);
        for number in 0..INPUTS / 2 {
            let headers = make(&mut rng);
            let outcome =
                panic::catch_unwind(AssertUnwindSafe(|| check(propagator, expect, &headers)));
            match outcome {
                Ok(0) => well_formed += 1,
                Ok(_) => malformed += 1,
                Err(_) => panic!("input {number} of seed {seed:#x}: {headers:?}"),
            }
        }
    }
    // Or else the test tests only one half of the code.
    assert!(
        well_formed > INPUTS / 10,
        "{well_formed} well-formed inputs"
    );
    assert!(malformed > INPUTS / 10, "{malformed} malformed inputs");
}

/// Returns how many values could not be read.
fn check(propagator: &dyn Propagator, expect: fn(&Headers) -> Expected, headers: &Headers) -> u32 {
    let (read, malformed) = extract(propagator, headers);
    assert_eq!(Expected::of(&read), expect(headers));

    let mut sent = Headers::default();
    propagator.inject(&read, &mut sent);
    let (again, none) = extract(propagator, &sent);
    assert_eq!(none, 0, "{sent:?}");
    let nothing_to_send = read.span_context().is_none() && read.baggage().is_empty();
    if nothing_to_send && sent == Headers::default() {
        return malformed;
    }
    assert_eq!(
        Expected::of(&again),
        expect(headers).passed_on(),
        "{sent:?}"
    );

    let mut sent_again = Headers::default();
    propagator.inject(&again, &mut sent_again);
    assert_eq!(sent_again, sent);
    malformed
}

fn extract(propagator: &dyn Propagator, headers: &Headers) -> (Context, u32) {
    let mut extraction = Extraction::new(Context::new());
    propagator.extract(&mut extraction, headers);
    let malformed = extraction.malformed();
    (extraction.into_context(), malformed)
}
