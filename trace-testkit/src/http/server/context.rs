//! Where the span of a server is current beside [the places of both sides](crate::http::context).

use http::Response;

use super::{HttpServer, get, serve};
use crate::http::{Place, TestBody};

/// A body that is made as it is read, such as an event stream, runs in the span too.
pub async fn the_span_is_current_in_every_poll_of_the_body<H: HttpServer>() {
    let mut stage =
        serve::<H, _, _>(|_| async { Ok(Response::new(TestBody::new().data("one").data("two"))) });
    stage.exchange(get("/")).await;
    assert_eq!(stage.probe.at(Place::BodyPoll).len(), 3);
    stage.assert_current(Place::BodyPoll, &stage.span());
}

/// What a body drops when its reader goes away is dropped in the span.
pub async fn the_span_is_current_when_the_body_is_dropped<H: HttpServer>() {
    let mut stage = serve::<H, _, _>(|_| async { Ok(Response::new(TestBody::new().data("one"))) });
    drop(stage.head(get("/")).await);
    stage.assert_current(Place::BodyDrop, &stage.span());
}
