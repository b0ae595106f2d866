use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use super::wrk::headers;
use crate::Error;
use crate::exchange::ORDERS;
use crate::request::TARGET;

/// Requests that are sent at once. How often a server looks for the next one in vain, and what that costs it, is chance; so it is rare.
const AT_ONCE: usize = 16;

/// Sends so many requests to the server at `address` over one connection: for counts that take no load.
///
/// # Errors
///
/// When one is not answered as it should be.
pub fn ask(address: &str, requests: usize) -> Result<(), Error> {
    let headers = headers().join("\r\n");
    let request = format!("GET {TARGET} HTTP/1.1\r\nhost: {address}\r\n{headers}\r\n\r\n");
    let mut connection = BufReader::new(TcpStream::connect(address)?);
    let mut left = requests;
    while left > 0 {
        let now = left.min(AT_ONCE);
        let text = request.repeat(now);
        connection.get_mut().write_all(text.as_bytes())?;
        for _ in 0..now {
            let body = read_answer(&mut connection)?;
            if body != ORDERS {
                return Err(format!("an answer of {} bytes", body.len()).into());
            }
        }
        left -= now;
    }
    Ok(())
}

/// The body of a response that succeeded and says its length.
fn read_answer(connection: &mut BufReader<TcpStream>) -> Result<Vec<u8>, Error> {
    let mut line = String::new();
    connection.read_line(&mut line)?;
    if line != "HTTP/1.1 200 OK\r\n" {
        return Err(format!("the server answered {line:?}").into());
    }
    let mut length = 0;
    loop {
        line.clear();
        connection.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse()?;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body)?;
    Ok(body)
}
