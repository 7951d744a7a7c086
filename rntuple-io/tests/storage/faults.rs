//! One answer in ten goes wrong: what is read is right, or there is an error, and it does not take longer than the
//! settings allow.

use std::io::ErrorKind;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;
use rntuple_io::storage::Storage;
use rntuple_io::{Error, Result};

use crate::data::{Content, open};
use crate::server::{Fault, Habits, Plan, Server};

const CONTENT: Content = Content { version: 1, entries: 200_000 };
/// As long as the other one.
const OTHER: Content = Content { version: 2, entries: 200_000 };
static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| CONTENT.bytes());

const TIMEOUT: Duration = Duration::from_millis(500);
const RETRIES: u32 = 4;
/// Bytes of the largest request.
const REQUEST: u64 = 128 << 10;

/// Small requests, so that a file of some megabytes takes many, and little patience.
fn storage() -> Storage {
    Storage::new().timeout(TIMEOUT).retries(RETRIES as usize).hedge_after(None).access(4 << 10, REQUEST, 8)
}

/// The longest that one read may take: each try its timeout and the time that its bytes are allowed, and the pauses.
fn longest() -> Duration {
    let tail = 256 << 10;
    (TIMEOUT + Duration::from_secs(tail >> 16)) * (RETRIES + 1) + Duration::from_millis(100) * (1 << RETRIES)
}

/// A server with a file, and its URI.
fn served() -> (Server, String) {
    let server = Server::new();
    server.put("a/file.root", BYTES.clone());
    let uri = server.uri("a/file.root");
    (server, uri)
}

fn read(uri: &str, storage: &Storage) -> Result<()> {
    CONTENT.scan(&open(uri, storage)?)
}

/// Reads the file under a fault with several seeds.
fn under(fault: Fault, judge: impl Fn(Result<()>)) {
    let (server, uri) = served();
    let (mut failed, mut answers) = (0, 0);
    for seed in 0..4 {
        server.fail(Plan::one_in_ten(&[fault], seed));
        let since = Instant::now();
        judge(read(&uri, &storage()));
        // Opening, one failed request, and the pages of it that the decoder asks for again.
        assert!(since.elapsed() < longest() * 3, "{fault:?}: took {:?}", since.elapsed());
        failed += server.answers().1;
        answers += server.answers().0;
    }
    println!("{fault:?}: {failed} of {answers} answers failed");
    assert!(failed >= 4, "{fault:?}: only {failed} of {answers} answers failed");
}

#[track_caller]
fn right(result: Result<()>) {
    result.unwrap();
}

#[test]
fn dropped_connections_are_made_again() {
    under(Fault::Drop, right);
}

#[test]
fn late_answers_are_waited_for() {
    under(Fault::Delay(TIMEOUT / 2), right);
}

#[test]
fn truncated_answers_are_asked_for_again() {
    under(Fault::Truncate, right);
    under(Fault::Short, right);
}

#[test]
fn errors_that_pass_are_waited_out() {
    for status in [429, 500, 502, 503, 504] {
        under(Fault::Status(status), right);
    }
}

#[test]
fn errors_that_do_not_pass_are_told_at_once() {
    let (server, uri) = served();
    for status in [400, 401, 403, 404, 405, 410, 451] {
        server.fail(Plan::always(Fault::Status(status)));
        let error = read(&uri, &storage()).unwrap_err();
        assert!(error.to_string().contains(&uri), "{error}");
        // Both ends of the file, each once.
        assert_eq!(server.answers().0, 2, "{status}: {} requests", server.answers().0);
    }
}

#[test]
fn another_range_is_not_taken() {
    under(Fault::OtherRange, right);
}

#[test]
fn the_whole_object_instead_of_a_range() {
    under(Fault::Whole, right);
}

#[test]
fn slow_bodies() {
    under(Fault::Trickle(TIMEOUT * 2), right);
}

#[test]
fn connections_that_hang_are_given_up() {
    under(Fault::Hang, right);
}

#[test]
fn corrupt_bytes_are_noticed() {
    let (server, uri) = served();
    under(Fault::Corrupt, |result| {
        if let Err(error) = result {
            let text = error.to_string();
            assert!(matches!(error, Error::Format { .. } | Error::BeyondEnd { .. }), "{text}");
            assert!(text.contains("/a/file.root"), "{text}");
        }
    });
    // Page by page: the error names the place.
    let data = open(&uri, &storage()).unwrap();
    server.fail(Plan::always(Fault::Corrupt));
    let text = CONTENT.scan(&data).unwrap_err().to_string();
    assert!(text.contains(&uri) && text.contains("at byte") && text.contains("checksum"), "{text}");
    let report = data.verify(&|_, _| ()).unwrap();
    assert!(!report.damage.is_empty() && report.damage.iter().all(|damage| damage.offset > 0), "{report:?}");
}

#[test]
fn a_wrong_size_is_noticed() {
    under(Fault::WrongTotal, |result| {
        if let Err(error) = result {
            assert!(matches!(error, Error::Io { .. }), "{error}");
        }
    });
}

#[test]
fn an_object_that_is_replaced() {
    let other = OTHER.bytes();
    assert_eq!(other.len(), BYTES.len());
    for (no_etag, no_date) in [(false, false), (true, false), (false, true)] {
        let server = Server::new();
        server.habits(Habits { no_etag, no_date, ..Habits::default() });
        let uri = server.uri("file.root");
        // While it is opened, just behind, and far behind.
        for after in 0..30 {
            server.put("file.root", BYTES.clone());
            server.put("file.root.new", other.clone());
            server.fail(Plan::once(Fault::Changed, after));
            let result = open(&uri, &storage()).and_then(|data| {
                let first = data.scan().columns(["id"]).entries(0..1).open()?.next().unwrap()?;
                let version = first.column(0).as_primitive::<UInt64Type>().value(0) >> 40;
                Content { version, ..CONTENT }.scan(&data)
            });
            match result {
                Ok(()) => {}
                Err(error) => assert!(error.to_string().contains("changed"), "{error}"),
            }
        }
    }
}

#[test]
fn all_that_can_go_wrong_at_once() {
    let (server, uri) = served();
    let faults = [
        Fault::Drop,
        Fault::Delay(TIMEOUT / 4),
        Fault::Truncate,
        Fault::Short,
        Fault::Corrupt,
        Fault::Whole,
        Fault::OtherRange,
        Fault::Status(503),
        Fault::Trickle(TIMEOUT),
        Fault::Hang,
        Fault::WrongTotal,
    ];
    let (mut good, mut bad) = (0, 0);
    for seed in 0..24 {
        server.fail(Plan::one_in_ten(&faults, seed));
        let since = Instant::now();
        match read(&uri, &storage().access(64 << 10, 512 << 10, 8)) {
            Ok(()) => good += 1,
            Err(error) => {
                bad += 1;
                assert!(error.to_string().contains(&uri), "{error}");
            }
        }
        assert!(since.elapsed() < longest() * 3, "took {:?}", since.elapsed());
    }
    println!("{good} reads were right, {bad} ended with an error");
    assert!(good > 0 && bad > 0);
}

#[test]
fn a_server_that_is_gone() {
    let (server, uri) = served();
    for fault in [Fault::Hang, Fault::Drop, Fault::Status(503)] {
        server.fail(Plan::default());
        let data = open(&uri, &storage()).unwrap();
        server.fail(Plan::always(fault));
        for what in ["scan", "verify", "random"] {
            let since = Instant::now();
            let result = match what {
                "scan" => CONTENT.scan(&data),
                "verify" => data.verify(&|_, _| ()).map(drop),
                _ => data.scan().random_access().and_then(|mut entries| entries.read(150_000..150_010)).map(drop),
            };
            let error = result.unwrap_err();
            assert!(matches!(error, Error::Io { .. }), "{error}");
            println!("{fault:?}, {what}: {:?}, {error}", since.elapsed());
            // Not once for each page.
            assert!(since.elapsed() < longest() * 3, "{fault:?}, {what}: took {:?}", since.elapsed());
        }
    }
}

#[test]
fn servers_with_habits() {
    let plain = Habits::default();
    let habits = [
        Habits { no_ranges: true, ..plain },
        Habits { no_suffix: true, ..plain },
        Habits { past_end: true, ..plain },
        Habits { no_etag: true, no_date: true, ..plain },
        Habits { no_suffix: true, past_end: true, no_etag: true, no_date: true, ..plain },
    ];
    for habit in habits {
        let server = Server::new();
        server.habits(habit);
        for entries in [0, 10, 3_000, 200_000] {
            let content = Content::new(7, entries);
            server.put("file.root", content.bytes());
            server.fail(Plan { one_in: 1, faults: vec![Fault::Delay(Duration::ZERO)], ..Plan::default() });
            let data = open(&server.uri("file.root"), &storage()).unwrap();
            content.scan(&data).unwrap();
            let metrics = data.metrics();
            assert_eq!(metrics.requests, server.answers().0);
            if entries < 5_000 {
                assert!(metrics.requests <= 4, "{habit:?}: {} requests for {entries} entries", metrics.requests);
            }
        }
        let since = Instant::now();
        server.put("nothing", Vec::new());
        let error = open(&server.uri("nothing"), &storage()).unwrap_err();
        assert!(error.to_string().contains("nothing"), "{error}");
        assert!(since.elapsed() < TIMEOUT, "{habit:?}: an empty object took {:?}", since.elapsed());
    }
}

/// Nothing listens there, or nobody answers: an error soon.
#[test]
fn no_server_at_all() {
    let server = Server::new();
    let uri = server.uri("file.root");
    drop(server);
    let keys = [("aws_access_key_id", "k"), ("aws_secret_access_key", "s"), ("aws_region", "us-east-1")];
    let with_keys = keys.iter().fold(storage(), |storage, (name, value)| storage.option(*name, *value));
    let address = uri.strip_suffix("/file.root").unwrap();
    let cases = [
        (uri.clone(), storage()),
        ("s3://bucket/file.root".to_owned(), with_keys.option("aws_endpoint", address)),
        // Without keys, the service of the machine is asked for some.
        ("s3://bucket/file.root".to_owned(), storage().option("aws_endpoint", address).option("aws_region", "x")),
        ("http://no.such.host.invalid/file.root".to_owned(), storage()),
    ];
    for (uri, storage) in cases {
        let since = Instant::now();
        let error = open(&uri, &storage).unwrap_err();
        println!("{:?}: {error}", since.elapsed());
        let Error::Io { source, .. } = &error else { panic!("{error}") };
        // What lies behind it is told.
        assert!(error.to_string().contains("os error") == (source.kind() == ErrorKind::ConnectionRefused), "{error}");
        assert!(since.elapsed() < longest(), "{error}: {:?}", since.elapsed());
        let since = Instant::now();
        Content::new(1, 10).write(&uri, &storage).unwrap_err();
        assert!(since.elapsed() < longest(), "{uri}: {:?}", since.elapsed());
    }
}

#[test]
fn queries_and_redirections() {
    let (server, uri) = served();
    server.habits(Habits { moved: "elsewhere", ..Habits::default() });
    read(&uri, &storage()).unwrap();
    // As those of signed URIs.
    server.habits(Habits { query: "signature=a%2Fb%3D&x=1", ..Habits::default() });
    read(&format!("{uri}?signature=a%2Fb%3D&x=1"), &storage()).unwrap();
    for wrong in [uri.clone(), format!("{uri}?signature=x")] {
        let Error::Io { source, .. } = read(&wrong, &storage()).unwrap_err() else { panic!("another error") };
        assert_eq!(source.kind(), ErrorKind::PermissionDenied);
    }
}
