use std::net::{IpAddr, SocketAddr};

use http::Uri;
use tower_trace::policy::authority;

/// Whom a channel calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) address: String,
    pub(crate) port: Option<u16>,
    /// The other end of its connections, where the target is an address itself.
    pub(crate) peer: Option<SocketAddr>,
}

/// What tonic says of an endpoint that is a Unix socket: its path is not told.
const OF_SOCKETS: &str = "http://tonic/";

impl Target {
    /// Reads what gRPC calls a target: a URL, `host:port`, `dns://authority/host:port`, `unix:path`. Of what names several servers or needs a
    /// service to be found, the whole text is the address.
    pub(crate) fn parse(text: &str) -> Self {
        let whole = || Self {
            address: text.to_owned(),
            ..Self::default()
        };
        let Some((scheme, rest)) = text.split_once(':') else {
            return Self::of_authority(text, None).unwrap_or_else(whole);
        };
        let below = rest.strip_prefix("//");
        match scheme {
            "http" | "https" => {
                let authority = below.and_then(|rest| rest.split(['/', '?', '#']).next());
                authority.and_then(|authority| {
                    Self::of_authority(authority, authority::default_port(scheme))
                })
            }
            "dns" => {
                let name = below.map_or(rest, |rest| {
                    rest.split_once('/').map_or("", |(_, name)| name)
                });
                Self::of_authority(name, None)
            }
            "unix" => Some(Self {
                address: below.unwrap_or(rest).to_owned(),
                ..Self::default()
            }),
            _ => Self::of_authority(text, None),
        }
        .unwrap_or_else(whole)
    }

    /// The target of a channel that connects to this, by tonic's own means.
    pub(crate) fn of_uri(uri: &Uri) -> Option<Self> {
        if uri == OF_SOCKETS {
            return None;
        }
        let default = uri.scheme_str().and_then(authority::default_port);
        let mut target = Self::of_authority(uri.authority()?.as_str(), default)?;
        target.peer = target
            .address
            .parse::<IpAddr>()
            .ok()
            .zip(target.port)
            .map(SocketAddr::from);
        Some(target)
    }

    fn of_authority(text: &str, default: Option<u16>) -> Option<Self> {
        let (host, port) = authority::split(text)?;
        Some(Self {
            address: host.to_owned(),
            port: port.or(default),
            peer: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_as_the_conventions_do() {
        for (text, address, port) in [
            ("grpc.io:50051", "grpc.io", Some(50051)),
            ("grpc.io", "grpc.io", None),
            ("http://grpc.io:50051", "grpc.io", Some(50051)),
            ("http://grpc.io/", "grpc.io", Some(80)),
            ("https://grpc.io", "grpc.io", Some(443)),
            ("http://[::1]:50051", "::1", Some(50051)),
            ("dns://1.2.3.4/grpc.io:50051", "grpc.io", Some(50051)),
            ("dns:grpc.io:50051", "grpc.io", Some(50051)),
            ("dns:///grpc.io:50051", "grpc.io", Some(50051)),
            (
                "unix:///run/containerd/containerd.sock",
                "/run/containerd/containerd.sock",
                None,
            ),
            ("unix:run/x.sock", "run/x.sock", None),
            (
                "zk://zookeeper:2181/my-server",
                "zk://zookeeper:2181/my-server",
                None,
            ),
            (
                "ipv4:198.51.100.123:50051,198.51.100.124:50051",
                "ipv4:198.51.100.123:50051,198.51.100.124:50051",
                None,
            ),
        ] {
            let target = Target::parse(text);
            assert_eq!((&*target.address, target.port), (address, port), "{text}");
        }
    }

    #[test]
    fn an_endpoint_of_an_address_names_its_peer() {
        let of = |uri: &'static str| Target::of_uri(&Uri::from_static(uri)).unwrap();
        let target = of("http://127.0.0.1:50051");
        assert_eq!((&*target.address, target.port), ("127.0.0.1", Some(50051)));
        assert_eq!(target.peer, Some("127.0.0.1:50051".parse().unwrap()));
        assert_eq!(of("https://[::1]").peer, Some("[::1]:443".parse().unwrap()));
        assert_eq!(of("http://orders:50051").peer, None);
        let socket = tonic::transport::Endpoint::from_static("unix:///run/orders.sock");
        assert_eq!(Target::of_uri(socket.uri()), None);
    }
}
