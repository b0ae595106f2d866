//! The reference, as a client, keeps the whole contract, wherever its spans end.

mod ending_at_the_body {
    use crate::reference::Reference;

    trace_testkit::http_client_suite!(Reference);
}

mod ending_at_the_head {
    use crate::reference::EndingAtTheHead;

    trace_testkit::http_client_suite!(EndingAtTheHead);
}
