//! What a resource says of the service.

use super::define::{attributes, values};

attributes! {
    /// The logical name of the service; the same for all its instances.
    ///
    /// Resource, required; `unknown_service:<executable>` if nobody names it. Example: `orders`.
    const SERVICE_NAME: Key<str> = "service.name", Stable;

    /// What tells services of equal names apart, such as the team that owns them.
    ///
    /// Resource, recommended. Example: `shop`.
    const SERVICE_NAMESPACE: Key<str> = "service.namespace", Stable;

    /// The version of the service, in any form.
    ///
    /// Resource, recommended. Example: `2.0.0`.
    const SERVICE_VERSION: Key<str> = "service.version", Stable;

    /// What tells the instances of a service apart: best a random UUID.
    ///
    /// Resource, recommended. Example: `627cc493-f310-47de-96bd-71410b7dec09`.
    const SERVICE_INSTANCE_ID: Key<str> = "service.instance.id", Stable;

    /// Where the service is deployed: one of [`deployment_environment_name`] if that fits.
    ///
    /// Resource, recommended. Example: `staging`.
    const DEPLOYMENT_ENVIRONMENT_NAME: Key<str> = "deployment.environment.name", Stable;
}

values! {
    /// The listed values of [`DEPLOYMENT_ENVIRONMENT_NAME`].
    pub mod deployment_environment_name {
        /// Where software is written.
        const DEVELOPMENT = "development";
        /// Where users are.
        const PRODUCTION = "production";
        /// Almost where users are.
        const STAGING = "staging";
        /// Where software is tested.
        const TEST = "test";
    }
}
