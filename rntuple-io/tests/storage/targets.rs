//! The kinds of storage that the suite runs on.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use rntuple_io::storage::Storage;

use crate::server::{Habits, Server};
use crate::suite::suite;

/// A place for files, and what can be expected of it.
#[derive(Debug)]
pub(crate) struct Target {
    /// What names of files are put behind; ends in `/`.
    pub(crate) read: String,
    /// The same where they are written, if that is another.
    pub(crate) write: String,
    pub(crate) storage: Storage,
    options: Vec<(String, String)>,
    /// Requests are counted one by one, as answers take a while.
    pub(crate) remote: bool,
    /// Ranges are answered with ranges.
    pub(crate) ranges: bool,
    /// Answers tell one version of an object from another of the same size.
    pub(crate) versions: bool,
    /// Versions of the same size are told apart only if they differ in the second in which they were written.
    pub(crate) seconds: bool,
    /// What is written is not visible before it is complete.
    pub(crate) atomic: bool,
    /// Whether keys are checked.
    pub(crate) keys: bool,
    /// A file that must not be read.
    pub(crate) denied: Option<String>,
    /// Data sets are kept as objects, without a file.
    pub(crate) objects: bool,
}

impl Target {
    fn new(read: &str) -> Self {
        Self {
            read: read.to_owned(),
            write: read.to_owned(),
            storage: Storage::new(),
            options: Vec::new(),
            remote: true,
            ranges: true,
            versions: true,
            seconds: false,
            atomic: true,
            keys: false,
            denied: None,
            objects: false,
        }
    }

    /// From a line of words: where files are, then what is special, such as `s3://bucket/ aws_endpoint=http://…`. Words
    /// without `=` are names of the members above (`no-ranges`, `no-versions`, `seconds`, `not-atomic`, `keys`); `write=`
    /// is where files are written, `denied=` one that must not be read, all else are options of the storage.
    fn parse(line: &str) -> Self {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap();
        let mut target = match first.split_once('+') {
            Some((scheme @ ("kv" | "ntpl"), uri)) => Self::new(uri).into_objects(&format!("{scheme}+")),
            _ => Self::new(first),
        };
        for word in words {
            match word.split_once('=') {
                Some(("write", uri)) => uri.clone_into(&mut target.write),
                Some(("denied", uri)) => target.denied = Some(uri.to_owned()),
                Some((name, value)) => {
                    target.storage = target.storage.option(name, value);
                    target.options.push((name.to_owned(), value.to_owned()));
                }
                None => match word {
                    "no-ranges" => target.ranges = false,
                    "no-versions" => target.versions = false,
                    "seconds" => target.seconds = true,
                    "keys" => target.keys = true,
                    "not-atomic" => target.atomic = false,
                    _ => panic!("what is {word}?"),
                },
            }
        }
        target
    }

    /// A server that was started outside, as an environment variable tells.
    pub(crate) fn of_environment(name: &str) -> Self {
        let name = format!("RNTUPLE_TEST_{name}");
        let line = std::env::var(&name).unwrap_or_else(|_| panic!("{name} is not set; run servers.py"));
        Self::parse(&line)
    }

    /// The same place for data sets without a file.
    pub(crate) fn into_objects(mut self, scheme: &str) -> Self {
        self.read.insert_str(0, scheme);
        self.write.insert_str(0, scheme);
        // Reads are counted, not requests.
        Self { objects: true, remote: false, denied: None, versions: true, atomic: true, ..self }
    }

    /// An option that the storage was given.
    pub(crate) fn option(&self, name: &str) -> &str {
        let (_, value) = self.options.iter().find(|(other, _)| other == name).unwrap();
        value
    }

    /// URIs to write and to read a file that no other test has.
    pub(crate) fn file(&self, name: &str) -> (String, String) {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let end = if self.objects { "/data" } else { ".root" };
        let name = format!("{}-{}-{name}{end}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        (format!("{}{name}", self.write), format!("{}{name}", self.read))
    }
}

#[test]
fn local() {
    let directory = tempfile::tempdir().unwrap();
    let path: PathBuf = directory.path().join("");
    suite(&Target { remote: false, ..Target::new(path.to_str().unwrap()) });
    suite(&Target { remote: false, ..Target::new(&format!("file://{}", path.to_str().unwrap())) });
}

#[test]
fn memory() {
    suite(&Target::new("memory://suite/"));
}

#[test]
fn objects_in_memory() {
    suite(&Target::new("memory://objects/").into_objects("ntpl+"));
}

#[test]
fn embedded_key_value_store() {
    let directory = tempfile::tempdir().unwrap();
    let uri = format!("file://{}#box/", directory.path().to_str().unwrap());
    suite(&Target::new(&uri).into_objects("kv+"));
}

#[test]
fn a_server_of_this_program() {
    let server = Server::new();
    suite(&Target::new(&server.uri("some/where/")));
    let endpoint = server.uri("");
    let options = "aws_access_key_id=key aws_secret_access_key=secret aws_region=us-east-1";
    suite(&Target::parse(&format!("s3://bucket/ aws_endpoint={} {options}", endpoint.trim_end_matches('/'))));
}

#[test]
fn a_server_without_ranges() {
    let server = Server::new();
    server.habits(Habits { no_ranges: true, ..Habits::default() });
    suite(&Target { ranges: false, ..Target::new(&server.uri("some/where/")) });
}

#[test]
fn a_server_that_knows_little() {
    let server = Server::new();
    let plain = Habits::default();
    server.habits(Habits { no_suffix: true, past_end: true, no_etag: true, no_date: true, title_case: true, ..plain });
    suite(&Target { versions: false, ..Target::new(&server.uri("some/where/")) });
}

/// Tests that run on what an environment variable names.
macro_rules! servers {
    ($($name:ident $variable:literal,)*) => {
        /// Servers that were started outside.
        mod servers {$(
            #[test]
            #[ignore = "needs a server: run servers.py"]
            fn $name() {
                let target = || super::Target::of_environment($variable);
                super::suite(&target());
                if target().write.starts_with("s3://") {
                    super::suite(&target().into_objects("ntpl+"));
                }
            }
        )*}
    };
}

servers! {
    moto "MOTO",
    radosgw "RADOSGW",
    nginx "NGINX",
    nginx_one_range "NGINX_ONE_RANGE",
    nginx_no_ranges "NGINX_NO_RANGES",
    xrootd "XROOTD",
    rados "RADOS",
}
