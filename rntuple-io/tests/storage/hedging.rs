//! A slow request is made a second time.

use std::time::{Duration, Instant};

use rntuple_io::storage::Storage;

use crate::data::{Content, open};
use crate::server::{Fault, Plan, Server};

#[test]
fn one_slow_answer() {
    let content = Content::new(1, 200_000);
    let server = Server::new();
    server.put("file.root", content.bytes());
    let uri = server.uri("file.root");
    for fault in [Fault::Delay(Duration::from_secs(10)), Fault::Trickle(Duration::from_secs(10)), Fault::Hang] {
        let storage = Storage::new().hedge_after(Some(Duration::from_millis(300))).access(4 << 10, 128 << 10, 8);
        let data = open(&uri, &storage).unwrap();
        server.fail(Plan::once(fault, 5));
        let since = Instant::now();
        content.scan(&data).unwrap();
        assert!(since.elapsed() < Duration::from_secs(5), "{fault:?}: took {:?}", since.elapsed());
        assert_eq!(data.metrics().hedged, 1, "{fault:?}");
        assert_eq!(server.answers().1, 1);
    }
}

#[test]
fn not_without_need() {
    let content = Content::new(1, 200_000);
    let server = Server::new();
    server.put("file.root", content.bytes());
    let storage = Storage::new().hedge_after(Some(Duration::from_secs(5))).access(4 << 10, 128 << 10, 8);
    let data = open(&server.uri("file.root"), &storage).unwrap();
    content.scan(&data).unwrap();
    assert_eq!(data.metrics().hedged, 0);
}
