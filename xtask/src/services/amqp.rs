use std::io::{Read, Write as _};
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

/// Whether a broker there lets us in: speaks AMQP 0-9-1, and takes the user and password of the address.
fn answers(url: &str) -> bool {
    log_in(url).is_some_and(|method| method == TUNE)
}

/// Methods, by class and number.
const START: [u8; 4] = [0, 10, 0, 10];
const START_OK: [u8; 4] = [0, 10, 0, 11];
const TUNE: [u8; 4] = [0, 10, 0, 30];

/// Nothing that is said before one is in is longer.
const LONGEST: u32 = 1024 * 1024;

/// What the broker answers to our name and password.
fn log_in(url: &str) -> Option<[u8; 4]> {
    const LIMIT: Duration = Duration::from_secs(2);

    let authority = url.strip_prefix("amqp://")?.split('/').next()?;
    let (user, host) = authority.rsplit_once('@').unwrap_or(("guest", authority));
    let (user, password) = user.split_once(':').unwrap_or((user, "guest"));
    let host = match host.contains(':') {
        true => host.to_owned(),
        false => format!("{host}:5672"),
    };
    let address = host.to_socket_addrs().ok()?.next()?;
    let mut stream = TcpStream::connect_timeout(&address, LIMIT).ok()?;
    stream.set_read_timeout(Some(LIMIT)).ok()?;
    stream.write_all(b"AMQP\x00\x00\x09\x01").ok()?;
    if method(&mut stream)? != START {
        return None;
    }
    // No properties; how, with what, in which language.
    let secret = [&[0], &*unescaped(user)?, &[0], &*unescaped(password)?].concat();
    let mut answer = START_OK.to_vec();
    answer.extend([0; 4]);
    answer.extend(b"\x05PLAIN");
    answer.extend(u32::try_from(secret.len()).ok()?.to_be_bytes());
    answer.extend(secret);
    answer.extend(b"\x05en_US");
    stream.write_all(&frame(&answer)?).ok()?;
    method(&mut stream)
}

/// A method on channel 0.
fn frame(method: &[u8]) -> Option<Vec<u8>> {
    let mut frame = vec![1, 0, 0];
    frame.extend(u32::try_from(method.len()).ok()?.to_be_bytes());
    frame.extend(method);
    frame.push(0xce);
    Some(frame)
}

/// Which method comes next, if one does.
fn method(stream: &mut impl Read) -> Option<[u8; 4]> {
    let mut head = [0; 7];
    stream.read_exact(&mut head).ok()?;
    let [1, 0, 0, size @ ..] = head else {
        return None;
    };
    let size = u32::from_be_bytes(size);
    if !(4..=LONGEST).contains(&size) {
        return None;
    }
    let mut rest = vec![0; usize::try_from(size).ok()? + 1];
    stream.read_exact(&mut rest).ok()?;
    rest.first_chunk().copied()
}

/// `%2f` as `/`.
fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend(rest.as_bytes());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Plays a broker that begins with `first` and lets in those who say `secret`.
    fn broker(first: [u8; 4], secret: &'static [u8]) -> (u16, std::thread::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let playing = std::thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let mut greeting = [0; 8];
            client.read_exact(&mut greeting).unwrap();
            assert_eq!(&greeting, b"AMQP\x00\x00\x09\x01");
            client.write_all(&frame(&first).unwrap()).unwrap();
            let mut answer = Vec::new();
            let mut part = [0; 256];
            while !answer.ends_with(b"en_US\xce") {
                match client.read(&mut part) {
                    Ok(count) if count > 0 => answer.extend(&part[..count]),
                    _ => return,
                }
            }
            if answer.windows(secret.len()).any(|part| part == secret) {
                client.write_all(&frame(&TUNE).unwrap()).unwrap();
            }
        });
        (port, playing)
    }

    #[test]
    fn who_lets_us_in_is_a_broker_of_ours_and_who_does_not_is_none() {
        for (first, user, is_ours) in [
            (START, "guest:guest", true),
            (START, "gu%65st:guest", true),
            (START, "guest:wrong", false),
            (*b"HTTP", "guest:guest", false),
        ] {
            let (port, playing) = broker(first, b"\0guest\0guest");
            let url = format!("amqp://{user}@127.0.0.1:{port}/%2f");
            assert_eq!(answers(&url), is_ours, "{url}");
            playing.join().unwrap();
        }
        assert!(!answers("amqp://127.0.0.1:9"));
        assert!(!answers("http://127.0.0.1:9"));
    }
}
