//! Uploads that fail: what can be seen is what was there before, or all of the new.

use std::time::{Duration, Instant};

use rntuple_io::storage::Storage;

use crate::data::{Content, open};
use crate::server::{Fault, Habits, Plan, Server};
use crate::targets::Target;

const OLD: Content = Content { version: 1, entries: 10 };
/// Three parts, and a bit.
const NEW: Content = Content { version: 2, entries: 2_000_000 };
const SMALL: Content = Content { version: 3, entries: 1_000 };

fn storage(endpoint: &str) -> Storage {
    Storage::new()
        .option("aws_endpoint", endpoint)
        .option("aws_access_key_id", "key")
        .option("aws_secret_access_key", "secret")
        .option("aws_region", "us-east-1")
        .timeout(Duration::from_millis(700))
        .retries(2)
}

/// Either the old content or the new one.
fn whole(uri: &str, storage: &Storage, new: Content) -> bool {
    let data = open(uri, storage).unwrap();
    let is_new = data.entries() == new.entries;
    if is_new { new } else { OLD }.scan(&data).unwrap();
    is_new
}

#[test]
fn one_answer_in_ten_goes_wrong() {
    let server = Server::new();
    let storage = storage(server.uri("").trim_end_matches('/'));
    let http = server.uri("bucket/");
    fail_and_look(&server, &storage, "s3://bucket/", &[(NEW, "s3://bucket/"), (SMALL, "s3://bucket/"), (SMALL, &http)]);
}

/// The same in front of a real service.
#[test]
#[ignore = "needs a server: run servers.py"]
fn one_answer_of_moto_in_ten_goes_wrong() {
    before("MOTO");
}

#[test]
#[ignore = "needs a server: run servers.py"]
fn one_answer_of_radosgw_in_ten_goes_wrong() {
    before("RADOSGW");
}

fn before(name: &str) {
    let target = Target::of_environment(name);
    let upstream = target.option("aws_endpoint").strip_prefix("http://").unwrap().parse().unwrap();
    let server = Server::before(upstream);
    let storage = storage(server.uri("").trim_end_matches('/'))
        .option("aws_access_key_id", target.option("aws_access_key_id"))
        .option("aws_secret_access_key", target.option("aws_secret_access_key"))
        .timeout(Duration::from_secs(3));
    fail_and_look(&server, &storage, &target.read, &[(NEW, &target.read), (SMALL, &target.read)]);
}

/// Replaces files while answers go wrong. Behind it there is the new file, or, if there was an error, maybe the old one.
fn fail_and_look(server: &Server, storage: &Storage, seen: &str, uploads: &[(Content, &str)]) {
    let faults = [Fault::Drop, Fault::Lost, Fault::Truncate, Fault::Status(503), Fault::Status(500), Fault::Hang];
    // A part is given a minute more than a small object, so none of them hangs.
    let faults = |content| if content == NEW { &faults[..5] } else { &faults[..] };
    let (mut good, mut bad, mut failed) = (0, 0, 0);
    for seed in 0..8 {
        for (i, &(content, base)) in uploads.iter().enumerate() {
            let name = format!("{}-{seed}-{i}.root", std::process::id());
            let (write, read) = (format!("{base}{name}"), format!("{seen}{name}"));
            server.fail(Plan::default());
            OLD.write(&write, storage).unwrap();
            server.fail(Plan { one_in: 4, ..Plan::one_in_ten(faults(content), seed) });
            let since = Instant::now();
            let written = content.write(&write, storage);
            assert!(since.elapsed() < Duration::from_secs(90), "took {:?}", since.elapsed());
            failed += server.answers().1;
            server.fail(Plan::default());
            let is_new = whole(&read, storage, content);
            match written {
                Ok(_) => good += 1,
                Err(_) => bad += 1,
            }
            assert!(is_new || written.is_err(), "{name}: what was written is not there");
        }
    }
    println!("{failed} answers failed; {good} uploads went well, {bad} ended with an error");
    assert!(good > 0 && failed > 0);
}

#[test]
fn a_server_that_takes_nothing() {
    let server = Server::new();
    let endpoint = server.uri("");
    let storage = storage(endpoint.trim_end_matches('/'));
    let uri = "s3://bucket/file.root";
    OLD.write(uri, &storage).unwrap();
    for fault in [Fault::Hang, Fault::Drop, Fault::Status(503)] {
        for method in ["PUT", "POST"] {
            for content in [NEW, SMALL] {
                if fault == Fault::Hang && method == "PUT" && content == NEW {
                    continue;
                }
                server.fail(Plan::always(fault).of(method));
                let since = Instant::now();
                let result = content.write(uri, &storage);
                let took = since.elapsed();
                // A small object needs no more than PUT.
                if method == "PUT" || content == NEW {
                    let error = result.unwrap_err();
                    println!("{fault:?} of {method}: {took:?}, {error}");
                    server.fail(Plan::default());
                    assert!(!whole(uri, &storage, content));
                } else {
                    result.unwrap();
                    server.fail(Plan::default());
                    OLD.write(uri, &storage).unwrap();
                }
                assert!(took < Duration::from_secs(20), "{fault:?} of {method}: took {took:?}");
            }
        }
    }
    assert_eq!(server.open_uploads(), 0, "given up, and the server was told");
}

/// The object is complete, but nobody says so: the second try finds no upload any more.
#[test]
fn the_last_answer_is_lost() {
    let server = Server::new();
    let storage = storage(server.uri("").trim_end_matches('/'));
    // The first POST starts the upload, the second one completes it.
    server.fail(Plan::once(Fault::Lost, 1).of("POST"));
    NEW.write("s3://bucket/file.root", &storage).unwrap();
    assert_eq!(server.answers(), (3, 1));
    assert!(whole("s3://bucket/file.root", &storage, NEW));
}

#[test]
fn a_web_server_that_stores_less() {
    let server = Server::new();
    server.habits(Habits { half: true, ..Habits::default() });
    let error = SMALL.write(&server.uri("file.root"), &storage("")).unwrap_err();
    assert!(error.to_string().contains("the server stored"), "{error}");
}

#[test]
fn given_up_halfway() {
    let server = Server::new();
    let endpoint = server.uri("");
    let storage = storage(endpoint.trim_end_matches('/'));
    NEW.write_half("s3://bucket/half.root", &storage).unwrap();
    assert!(server.object("bucket/half.root").is_none());
    assert_eq!(server.open_uploads(), 0);
}

/// The old file, or the new one, to whoever looks while it is written.
#[test]
fn nobody_sees_half_of_it() {
    let server = Server::new();
    let endpoint = server.uri("");
    let storage = storage(endpoint.trim_end_matches('/'));
    let uri = "s3://bucket/file.root";
    OLD.write(uri, &storage).unwrap();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| NEW.write(uri, &storage).unwrap());
        let mut looks = 0;
        while !writing.is_finished() || looks == 0 {
            whole(uri, &storage, NEW);
            looks += 1;
        }
    });
    assert!(whole(uri, &storage, NEW));
}
