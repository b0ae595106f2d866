//! Where a service runs: the few of `host.*`, `process.*`, `container.*` and `k8s.*` that a resource mostly has.

use super::define::attributes;

attributes! {
    /// The container.
    ///
    /// Resource, recommended: in a container. Example: `a3bf90e006b2`.
    const CONTAINER_ID: Key<str> = "container.id", Stable;

    /// The host, as it names itself.
    ///
    /// Resource, recommended. Example: `web-3`.
    const HOST_NAME: Key<str> = "host.name", Development;

    /// The container's name in its pod.
    ///
    /// Resource, recommended: on Kubernetes. Example: `orders`.
    const K8S_CONTAINER_NAME: Key<str> = "k8s.container.name", Stable;

    /// The namespace of the pod.
    ///
    /// Resource, recommended: on Kubernetes. Example: `shop`.
    const K8S_NAMESPACE_NAME: Key<str> = "k8s.namespace.name", Stable;

    /// The pod.
    ///
    /// Resource, recommended: on Kubernetes. Example: `orders-5f6b7c9d-x2x4z`.
    const K8S_POD_NAME: Key<str> = "k8s.pod.name", Stable;

    /// The pod's id.
    ///
    /// Resource, recommended: on Kubernetes. Example: `275ecb36-5aa8-4c2a-9c47-d8bb681b9aff`.
    const K8S_POD_UID: Key<str> = "k8s.pod.uid", Stable;

    /// The file name of the program.
    ///
    /// Resource, recommended. Example: `orders`.
    const PROCESS_EXECUTABLE_NAME: Key<str> = "process.executable.name", Development;

    /// The process's id.
    ///
    /// Resource, recommended. Example: `1234`.
    const PROCESS_PID: Key<i64> = "process.pid", Development;
}
