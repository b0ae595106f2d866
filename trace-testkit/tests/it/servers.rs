//! The reference, as a server, keeps the whole contract.

use crate::reference::Reference;

trace_testkit::http_server_suite!(Reference);
