use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::{Service, daemon, packages};
use crate::{Result, process};

pub(super) const SERVICE: Service = Service {
    name: "AMQP",
    variable: "AMQP_URL",
    answers,
    provide,
};

/// The one that a package of the distribution starts by itself.
const USUAL: &str = "amqp://guest:guest@127.0.0.1:5672/%2f";

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/rabbitmq.sh");

/// Takes the one on this machine, or starts one of our own, installed if need be.
fn provide(folder: &Path) -> Result<(String, String)> {
    if answers(USUAL) {
        return Ok((
            USUAL.to_owned(),
            format!("a RabbitMQ answers at {USUAL} and is taken"),
        ));
    }
    let installed = is_installed();
    if !installed {
        packages::install(&["rabbitmq-server"])?;
        // Some distributions start what they install.
        if answers(USUAL) {
            return Ok((
                USUAL.to_owned(),
                format!("RabbitMQ was installed and answers at {USUAL}"),
            ));
        }
    }
    let ports = [
        daemon::free_port()?,
        daemon::free_port()?,
        daemon::free_port()?,
    ];
    let mut command = Command::new("sh");
    command
        .arg(SCRIPT)
        .arg(folder)
        .args(ports.map(|port| port.to_string()));
    let [port, ..] = ports;
    let mark = folder.to_string_lossy();
    daemon::start(&mut command, folder, &format!("127.0.0.1:{port}"), &mark)?;
    let url = format!("amqp://guest:guest@127.0.0.1:{port}/%2f");
    let how = match installed {
        true => "started",
        false => "installed and started",
    };
    let done = format!("RabbitMQ was {how} at {url}");
    Ok((url, done))
}

fn is_installed() -> bool {
    Path::new("/usr/lib/rabbitmq/bin/rabbitmq-server").exists()
        || process::is_installed(&mut Command::new("rabbitmq-server"))
}

/// Whether somebody there speaks AMQP 0-9-1: begins to shake hands when greeted.
fn answers(url: &str) -> bool {
    greet(url).is_some_and(|first| first == [1])
}

fn greet(url: &str) -> Option<[u8; 1]> {
    const LIMIT: Duration = Duration::from_secs(2);

    let authority = url.strip_prefix("amqp://")?.split('/').next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.contains(':') {
        true => host.to_owned(),
        false => format!("{host}:5672"),
    };
    let address = host.to_socket_addrs().ok()?.next()?;
    let mut stream = TcpStream::connect_timeout(&address, LIMIT).ok()?;
    stream.set_read_timeout(Some(LIMIT)).ok()?;
    stream.write_all(b"AMQP\x00\x00\x09\x01").ok()?;
    let mut first = [0];
    stream.read_exact(&mut first).ok()?;
    Some(first)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn who_shakes_hands_is_a_broker_and_who_does_not_is_none() {
        for (first, is_broker) in [(1, true), (b'H', false)] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let answering = std::thread::spawn(move || {
                let (mut client, _) = listener.accept().unwrap();
                let mut greeting = [0; 8];
                client.read_exact(&mut greeting).unwrap();
                client.write_all(&[first]).unwrap();
                greeting
            });
            let url = format!("amqp://guest:guest@127.0.0.1:{port}/%2f");
            assert_eq!(answers(&url), is_broker);
            assert_eq!(&answering.join().unwrap(), b"AMQP\x00\x00\x09\x01");
        }
        assert!(!answers("amqp://127.0.0.1:9"));
        assert!(!answers("http://127.0.0.1:9"));
    }
}
