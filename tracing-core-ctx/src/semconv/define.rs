//! How the constants of an area are written down: once each, and the registry follows.

/// Defines the attributes of one area: for each a documented constant and its row in the registry.
///
/// `const NAME: Key<str> = "name", Stable;` becomes a `Key<str>`; `KeyPrefix<[String]>` names a family whose members
/// have values of that type.
macro_rules! attributes {
    ($(
        $(#[$doc:meta])*
        const $constant:ident: $kind:ident<$type:ty> = $name:literal, $stability:ident $(=> $replacement:literal)?;
    )*) => {
        $(
            $(#[$doc])*
            #[doc = ""]
            #[doc = concat!(
                "Name `", $name, "`; type `", stringify!($type), "`; stability: ", stringify!($stability), "."
            )]
            pub const $constant: $crate::semconv::define::constant!($kind<$type>) =
                $crate::attribute::$kind::known($name);
        )*

        pub(super) const DEFINITIONS: &[$crate::semconv::registry::Definition] = &[$(
            $crate::semconv::registry::Definition::new::<$type>(
                $crate::semconv::registry::Kind::$kind,
                $name,
                $crate::semconv::registry::Stability::$stability,
            )$(.replaced_by($replacement))?,
        )*];

        /// Constant and name, to test that the one is spelt like the other.
        #[cfg(test)]
        pub(super) const CONSTANTS: &[(&str, &str)] = &[$((stringify!($constant), $name)),*];
    };
}

/// Defines names that the conventions have left behind, and what took their place if anything did.
macro_rules! old_names {
    ($(
        const $constant:ident: $kind:ident<$type:ty> = $name:literal $(=> $replacement:literal)?;
    )*) => {
        $crate::semconv::define::attributes! {$(
            #[doc = concat!("Old name", $(", now ", $replacement,)? ".")]
            const $constant: $kind<$type> = $name, Deprecated $(=> $replacement)?;
        )*}
    };
}

macro_rules! constant {
    (Key<$type:ty>) => { $crate::attribute::Key<$type> };
    (KeyPrefix<$type:ty>) => { $crate::attribute::KeyPrefix };
}

/// Defines the values that the conventions list for one attribute: a module of texts and the list of them.
///
/// `or OTHER` after the module's name adds `_OTHER`, which is not in the list.
macro_rules! values {
    ($(
        $(#[$doc:meta])*
        pub mod $attribute:ident $(or $other:ident)? {$(
            $(#[$value_doc:meta])*
            const $constant:ident = $value:literal;
        )*}
    )*) => {$(
        $(#[$doc])*
        pub mod $attribute {
            $(
                $(#[$value_doc])*
                pub const $constant: &str = $value;
            )*

            $(
                /// What is said when none of the others fits.
                pub const $other: &str = "_OTHER";
            )?

            /// The values above that name something, in this order.
            pub const ALL: &[&str] = &[$($constant),*];
        }
    )*};
}

pub(super) use {attributes, constant, old_names, values};
