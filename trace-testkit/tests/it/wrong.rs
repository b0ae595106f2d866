//! What the tests of all suites need whose subject is wrong in one thing.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static IS_WRONG: Cell<bool> = const { Cell::new(false) };
}

/// Whether `check` goes through without a panic. With a subject that is wrong a panic is what is looked for, and is not shown.
pub(crate) fn holds(is_wrong: bool, check: impl FnOnce()) -> bool {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_WRONG.get() {
                loud(info);
            }
        }));
    });
    IS_WRONG.set(is_wrong);
    let held = catch_unwind(AssertUnwindSafe(check)).is_ok();
    IS_WRONG.set(false);
    held
}

/// What an instrumentation can do wrong, and that it can do nothing wrong.
macro_rules! faults {
    ($($fault:ident)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Fault {
            $($fault),*
        }

        impl Fault {
            pub(crate) const ALL: &[Self] = &[$(Self::$fault),*];
        }
    };
}

/// For each fault a test that these facts find it. No fault is left out.
macro_rules! found {
    ($($fault:ident => $test:ident [$($fact:expr),* $(,)?])*) => {
        $(
            #[test]
            fn $test() {
                $(assert!(!holds(Fault::$fault, $fact), "not found by {}", stringify!($fact));)*
            }
        )*

        const _: fn(Fault) = |fault| match fault {
            Fault::None => {}
            $(Fault::$fault => {})*
        };
    };
}

pub(crate) use {faults, found};
