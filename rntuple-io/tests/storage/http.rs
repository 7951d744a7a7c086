//! As much of HTTP/1.1 as a server for tests needs.

use std::collections::HashMap;
use std::fmt::Display;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// What a client asks for. Names of headers are in lower case.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HashMap<String, String>,
    /// Names of headers as they were spelled.
    names: Vec<String>,
    pub(crate) body: Vec<u8>,
}

/// What it gets.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the server closes the connection behind it.
    pub(crate) close: bool,
}

impl Response {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), close: false }
    }

    pub(crate) fn with(mut self, name: &str, value: &dyn Display) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn without(mut self, names: &[&str]) -> Self {
        self.headers.retain(|(name, _)| !names.iter().any(|other| name.eq_ignore_ascii_case(other)));
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Everything before the body.
    pub(crate) fn head(&self) -> String {
        let mut head = format!("HTTP/1.1 {} x\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if self.header("content-length").is_none() && self.header("transfer-encoding").is_none() {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        head + "\r\n"
    }
}

/// Start line and headers.
type Head = (String, Vec<(String, String)>);

/// Reads a head; none at the end of the connection.
fn read_head(from: &mut impl BufRead) -> io::Result<Option<Head>> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let start = line.trim_end().to_owned();
    let mut headers = Vec::new();
    loop {
        line.clear();
        from.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { return Ok(Some((start, headers))) };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
}

impl Request {
    /// The next request of a connection; none at its end.
    pub(crate) fn read(from: &mut BufReader<TcpStream>) -> io::Result<Option<Self>> {
        let Some((start, headers)) = read_head(from)? else { return Ok(None) };
        let mut words = start.split(' ');
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let names = headers.iter().map(|(name, _)| name.clone()).collect();
        let headers: HashMap<_, _> = headers.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
        if headers.get("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            from.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let len = headers.get("content-length").map_or(Ok(0), |len| len.parse()).map_err(io::Error::other)?;
        let mut body = vec![0; len];
        from.read_exact(&mut body)?;
        let [method, path, query] = [method, path, query].map(str::to_owned);
        Ok(Some(Self { method, path, query, headers, names, body }))
    }

    /// Asks another server, on a connection for this request only.
    pub(crate) fn forward(&self, to: SocketAddr) -> io::Result<Response> {
        let mut stream = TcpStream::connect(to)?;
        let target = if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) };
        let mut head = format!("{} {target} HTTP/1.1\r\nConnection: close\r\n", self.method);
        for (name, value) in self.headers.iter().filter(|(name, _)| !matches!(&***name, "connection" | "expect")) {
            head += &format!("{name}: {value}\r\n");
        }
        stream.write_all((head + "\r\n").as_bytes())?;
        stream.write_all(&self.body)?;
        let mut from = BufReader::new(stream);
        let (start, headers) = read_head(&mut from)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let status =
            start.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
        let mut body = Vec::new();
        from.read_to_end(&mut body)?;
        let response = Response { status, headers, body, close: false };
        Ok(response.without(&["connection", "keep-alive"]))
    }

    /// What a server understands that knows no other spelling of `Range` and `Content-Length`.
    pub(crate) fn in_title_case(mut self) -> Self {
        if !self.names.iter().any(|name| name == "Range") {
            self.headers.remove("range");
        }
        if !self.names.iter().any(|name| name == "Content-Length") {
            self.body.clear();
        }
        self
    }

    /// The range that is asked for, of an object of this size: from, and up to but not including.
    pub(crate) fn range(&self, size: usize) -> Option<Result<(usize, usize), ()>> {
        let (from, to) = self.headers.get("range")?.strip_prefix("bytes=")?.split_once('-')?;
        let number = |text: &str| text.parse::<usize>().map_err(drop);
        let range = || match (from, to) {
            ("", last) => Ok((size.saturating_sub(number(last)?), size)),
            (from, "") => Ok((number(from)?, size)),
            (from, to) => Ok((number(from)?, size.min(number(to)? + 1))),
        };
        Some(range().and_then(|(from, to)| if from < to { Ok((from, to)) } else { Err(()) }))
    }
}
