//! What the tests of this crate share.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use http_body::Body;

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Polls a future once.
pub(crate) fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// The output of a future that does not wait.
pub(crate) fn now<F: Future>(future: F) -> F::Output {
    match poll_once(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits"),
    }
}

/// Reads a body to its end or to its error.
pub(crate) fn read_to_end<B: Body>(body: B) -> Result<(), B::Error> {
    let mut body = pin!(body);
    loop {
        match body.as_mut().poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(frame)) => drop(frame?),
            Poll::Ready(None) => return Ok(()),
            Poll::Pending => panic!("the body waits"),
        }
    }
}
