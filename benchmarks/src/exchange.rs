use std::any::Any;
use std::fmt::Debug;
use std::future::poll_fn;
use std::mem;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use tower::{Service, service_fn};

use crate::Work;
use crate::work::BATCH;

/// Requests through a service, one after the other, each answered and its body read to the end. There is no runtime: a loop polls.
pub(crate) struct Exchanges<S, R> {
    service: S,
    make: Box<dyn Fn() -> R>,
    requests: Vec<R>,
    enter: Box<dyn Fn() -> Box<dyn Any>>,
    entered: Option<Box<dyn Any>>,
}

impl<S, R> Exchanges<S, R> {
    pub(crate) fn new(service: S, make: impl Fn() -> R + 'static) -> Self {
        Self {
            service,
            make: Box::new(make),
            requests: Vec::with_capacity(BATCH),
            enter: Box::new(|| Box::new(())),
            entered: None,
        }
    }

    /// What `enter` returns is held around the calls of a batch: the guard of a context.
    pub(crate) fn within<G: 'static>(mut self, enter: impl Fn() -> G + 'static) -> Self {
        self.enter = Box::new(move || Box::new(enter()));
        self
    }
}

impl<S, R, B> Work for Exchanges<S, R>
where
    S: Service<R, Response = Response<B>>,
    S::Error: Debug,
    B: Body,
{
    fn prepare(&mut self) {
        self.requests.extend((0..BATCH).map(|_| (self.make)()));
        self.entered = Some((self.enter)());
    }

    fn run(&mut self) {
        for request in self.requests.drain(..) {
            exchange(&mut self.service, request);
        }
    }

    fn settle(&mut self) {
        self.entered = None;
    }
}

fn exchange<S, R, B>(service: &mut S, request: R)
where
    S: Service<R, Response = Response<B>>,
    S::Error: Debug,
    B: Body,
{
    let mut cx = Context::from_waker(Waker::noop());
    assert!(
        service.poll_ready(&mut cx).is_ready(),
        "the service is always ready"
    );
    let response = {
        let mut future = pin!(service.call(request));
        loop {
            match future.as_mut().poll(&mut cx) {
                Poll::Ready(Ok(response)) => break response,
                Poll::Ready(Err(error)) => panic!("the service always answers: {error:?}"),
                Poll::Pending => {}
            }
        }
    };
    let mut body = pin!(response.into_body());
    while let Poll::Pending | Poll::Ready(Some(_)) = body.as_mut().poll_frame(&mut cx) {}
}

/// The body of what every service answers.
pub(crate) const ORDERS: &[u8] = br#"{"orders":[17,18,19]}"#;

/// What every service behind a layer answers: 200 with a small body.
pub(crate) fn answer<B: From<Bytes>>() -> Response<B> {
    let mut response = Response::new(B::from(Bytes::from_static(ORDERS)));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The service behind a layer.
pub(crate) fn inner<A: Send + 'static, B: From<Bytes> + Send + 'static>() -> impl Service<
    Request<A>,
    Response = Response<B>,
    Error = std::convert::Infallible,
    Future: Send + 'static,
> + Clone
+ Send
+ 'static {
    service_fn(|request: Request<A>| async move {
        let polls = request
            .extensions()
            .get::<MorePolls>()
            .map_or(0, |more| more.0);
        drop(request);
        for _ in 0..polls {
            pause().await;
        }
        Ok(answer())
    })
}

/// How often the service is polled in vain before it answers: an extension of the request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MorePolls(pub(crate) usize);

/// Pending once.
async fn pause() {
    let mut is_over = false;
    poll_fn(|_| match mem::replace(&mut is_over, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}

/// The body of most requests and answers.
pub(crate) type Small = Full<Bytes>;
