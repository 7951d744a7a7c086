//! A server of files and of objects in parts, which can be told to fail.

use std::collections::HashMap;
use std::io::{self, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::data::mix;
use crate::http::{Request, Response};

/// What goes wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The connection is closed instead of an answer.
    Drop,
    /// The answer comes this much later.
    Delay(Duration),
    /// The connection is closed in the middle of the body.
    Truncate,
    /// The body has fewer bytes than its range, and says so.
    Short,
    /// Some bytes of the body are others.
    Corrupt,
    /// The whole object, though a range was asked for.
    Whole,
    /// Another range than the one that was asked for, which the answer tells.
    OtherRange,
    /// An error that may pass.
    Status(u16),
    /// The body comes in small pieces, over this time.
    Trickle(Duration),
    /// Nothing comes, and the connection stays open.
    Hang,
    /// The size of the object in `Content-Range` is wrong.
    WrongTotal,
    /// The object was replaced just before, by the one at this path with `.new` behind it.
    Changed,
    /// The request is carried out, but its answer is lost.
    Lost,
}

/// Which answers fail.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// One of these; none fails if there are none.
    pub(crate) faults: Vec<Fault>,
    /// One answer in so many.
    pub(crate) one_in: u64,
    pub(crate) seed: u64,
    /// Answers that are right in any case before the first that fails.
    pub(crate) after: u64,
    /// Most answers that fail.
    pub(crate) most: u64,
    /// The method whose answers fail; any, if it is empty.
    pub(crate) method: &'static str,
}

impl Plan {
    /// One answer in ten.
    pub(crate) fn one_in_ten(faults: &[Fault], seed: u64) -> Self {
        Self { faults: faults.to_vec(), one_in: 10, seed, most: u64::MAX, ..Self::default() }
    }

    /// Every answer.
    pub(crate) fn always(fault: Fault) -> Self {
        Self { faults: vec![fault], one_in: 1, most: u64::MAX, ..Self::default() }
    }

    /// One answer, behind so many that are right.
    pub(crate) fn once(fault: Fault, after: u64) -> Self {
        Self { after, most: 1, ..Self::always(fault) }
    }

    pub(crate) fn of(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }
}

/// How this server differs from the usual one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Habits {
    /// Ignores ranges.
    pub(crate) no_ranges: bool,
    /// Answers ranges that count from the end with the whole object.
    pub(crate) no_suffix: bool,
    /// A range beyond the end is promised in full, and the connection closed behind what there is.
    pub(crate) past_end: bool,
    /// Knows `Range` and `Content-Length`, but not `range` and `content-length`.
    pub(crate) title_case: bool,
    /// Stores half of what is put there, and says that all is well.
    pub(crate) half: bool,
    /// Refuses what does not have this query.
    pub(crate) query: &'static str,
    /// Sends clients to the same path with this query first.
    pub(crate) moved: &'static str,
    /// Sends no `ETag`.
    pub(crate) no_etag: bool,
    /// Sends no `Last-Modified`.
    pub(crate) no_date: bool,
    /// What each answer waits for.
    pub(crate) latency: Duration,
    /// Bytes per second, of all connections together; 0 for no limit.
    pub(crate) bandwidth: u64,
}

#[derive(Debug, Clone)]
struct Object {
    bytes: Arc<Vec<u8>>,
    number: u64,
}

/// The parts of an upload, by number.
type Parts = HashMap<u64, Vec<u8>>;

#[derive(Debug, Default)]
struct State {
    objects: Mutex<HashMap<String, Object>>,
    uploads: Mutex<HashMap<String, Parts>>,
    upstream: Option<SocketAddr>,
    habits: Mutex<Habits>,
    plan: Mutex<Plan>,
    /// Answers since the plan was made, and those that failed.
    answers: AtomicU64,
    failed: AtomicU64,
    numbers: AtomicU64,
    /// Bytes of bodies that were sent.
    sent: AtomicU64,
    line_free: Mutex<Option<Instant>>,
    stopped: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server on a port of this machine; it stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<State>,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self::start(State::default())
    }

    /// One that passes everything on to another server.
    pub(crate) fn before(upstream: SocketAddr) -> Self {
        Self::start(State { upstream: Some(upstream), ..State::default() })
    }

    fn start(state: State) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, state) = (listener.local_addr().unwrap(), Arc::new(state));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stopped.load(Ordering::Relaxed) {
                    break;
                }
                let (Ok(stream), state) = (stream, Arc::clone(&shared)) else { continue };
                std::thread::spawn(move || {
                    // The client may go away at any time.
                    let _ = state.serve(stream);
                });
            }
        });
        Self { address, state }
    }

    pub(crate) fn uri(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub(crate) fn put(&self, path: &str, bytes: Vec<u8>) {
        self.state.put(&format!("/{path}"), bytes);
    }

    pub(crate) fn object(&self, path: &str) -> Option<Arc<Vec<u8>>> {
        lock(&self.state.objects).get(&format!("/{path}")).map(|object| Arc::clone(&object.bytes))
    }

    /// Uploads that are neither complete nor given up.
    pub(crate) fn open_uploads(&self) -> usize {
        lock(&self.state.uploads).len()
    }

    pub(crate) fn habits(&self, habits: Habits) {
        *lock(&self.state.habits) = habits;
    }

    /// Fails by this plan from now on.
    pub(crate) fn fail(&self, plan: Plan) {
        *lock(&self.state.plan) = plan;
        self.state.answers.store(0, Ordering::Relaxed);
        self.state.failed.store(0, Ordering::Relaxed);
    }

    /// How many answers there were since the plan was made, and how many failed.
    pub(crate) fn answers(&self) -> (u64, u64) {
        (self.state.answers.load(Ordering::Relaxed), self.state.failed.load(Ordering::Relaxed))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut out = stream.try_clone()?;
        let mut from = BufReader::new(stream);
        while let Some(request) = Request::read(&mut from)? {
            let (fault, habits) = (self.fault(&request.method), *lock(&self.habits));
            let request = if habits.title_case { request.in_title_case() } else { request };
            std::thread::sleep(habits.latency);
            match fault {
                Some(Fault::Drop) => return Ok(()),
                Some(Fault::Hang) => return self.hang(&out),
                Some(Fault::Delay(time)) => std::thread::sleep(time),
                Some(Fault::Changed) => self.replace(&request.path),
                _ => {}
            }
            let mut response = match fault {
                Some(Fault::Status(status)) => Response::new(status, "not now").with("Retry-After", &1),
                Some(Fault::Whole) => self.whole(&request),
                Some(Fault::OtherRange) => self.shifted(&request),
                _ => self.answer(&request),
            };
            match fault {
                Some(Fault::Lost) => return Ok(()),
                Some(Fault::Truncate) => response = truncated(response),
                Some(Fault::Short) => response.body.truncate(response.body.len() / 2),
                Some(Fault::WrongTotal) => response = with_wrong_total(response),
                Some(Fault::Corrupt) => {
                    let len = response.body.len() as u64;
                    for i in 0..8.min(len) {
                        let at = usize::try_from(mix(len ^ i) % len).unwrap();
                        response.body[at] ^= 0x55;
                    }
                }
                _ => {}
            }
            let time = if let Some(Fault::Trickle(time)) = fault { time } else { Duration::ZERO };
            self.send(&mut out, &response, time, habits.bandwidth)?;
            if response.close {
                return Ok(());
            }
        }
        Ok(())
    }

    fn fault(&self, method: &str) -> Option<Fault> {
        let plan = lock(&self.plan);
        if plan.faults.is_empty() || !(plan.method.is_empty() || plan.method == method) {
            return None;
        }
        let n = self.answers.fetch_add(1, Ordering::Relaxed);
        let number = mix(plan.seed ^ mix(n));
        let hit =
            n >= plan.after && number.is_multiple_of(plan.one_in) && self.failed.load(Ordering::Relaxed) < plan.most;
        hit.then(|| {
            self.failed.fetch_add(1, Ordering::Relaxed);
            plan.faults[usize::try_from((number >> 32) % plan.faults.len() as u64).unwrap()]
        })
    }

    /// Until the client has enough of it.
    fn hang(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_millis(50)))?;
        while !self.stopped.load(Ordering::Relaxed) {
            match stream.peek(&mut [0]) {
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
                _ => break,
            }
        }
        Ok(())
    }

    fn send(&self, out: &mut TcpStream, response: &Response, time: Duration, bandwidth: u64) -> io::Result<()> {
        out.write_all(response.head().as_bytes())?;
        let piece = if time.is_zero() { 64 << 10 } else { response.body.len().div_ceil(50).max(1) };
        for piece in response.body.chunks(piece) {
            if !time.is_zero() {
                std::thread::sleep(time / 50);
            }
            if bandwidth > 0 {
                self.wait_for_line(piece.len() as u64, bandwidth);
            }
            out.write_all(piece)?;
            self.sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
        }
        out.flush()
    }

    /// One line for all: bytes follow each other.
    fn wait_for_line(&self, bytes: u64, bandwidth: u64) {
        let free = {
            let mut line = lock(&self.line_free);
            let start = line.unwrap_or_else(Instant::now).max(Instant::now());
            let free = start + Duration::from_nanos(bytes * 1_000_000_000 / bandwidth);
            *line = Some(free);
            free
        };
        std::thread::sleep(free.saturating_duration_since(Instant::now()));
    }

    fn answer(&self, request: &Request) -> Response {
        if let Some(upstream) = self.upstream {
            let unreachable = |e: io::Error| Response::new(502, e.to_string());
            return request.forward(upstream).unwrap_or_else(unreachable);
        }
        let query: HashMap<&str, &str> =
            request.query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
        match (&*request.method, query.get("uploadId")) {
            ("GET", _) => self.get(request),
            ("HEAD", _) => {
                let response = self.get(request);
                let len = response.body.len();
                Response { body: Vec::new(), ..response.with("Content-Length", &len) }
            }
            ("POST", None) if query.contains_key("uploads") => {
                let id = format!("upload{}", self.numbers.fetch_add(1, Ordering::Relaxed));
                lock(&self.uploads).insert(id.clone(), Parts::new());
                let open = "<InitiateMultipartUploadResult><UploadId>";
                Response::new(200, format!("{open}{id}</UploadId></InitiateMultipartUploadResult>"))
            }
            ("PUT", Some(id)) => {
                let mut uploads = lock(&self.uploads);
                let number = query.get("partNumber").and_then(|number| number.parse().ok());
                let (Some(upload), Some(number)) = (uploads.get_mut(*id), number) else {
                    return Response::new(404, "<Error><Code>NoSuchUpload</Code></Error>");
                };
                upload.insert(number, request.body.clone());
                Response::new(200, "").with("ETag", &format!("\"part{number}\""))
            }
            ("POST", Some(id)) => {
                let Some(parts) = lock(&self.uploads).remove(*id) else {
                    return Response::new(404, "<Error><Code>NoSuchUpload</Code></Error>");
                };
                let mut parts: Vec<_> = parts.into_iter().collect();
                parts.sort_by_key(|(number, _)| *number);
                let parts: Vec<_> = parts.into_iter().map(|(_, bytes)| bytes).collect();
                let tag = self.put(&request.path, parts.concat());
                let (open, close) = ("<CompleteMultipartUploadResult>", "</CompleteMultipartUploadResult>");
                Response::new(200, format!("{open}<ETag>{tag}</ETag>{close}"))
            }
            ("DELETE", Some(id)) => {
                lock(&self.uploads).remove(*id);
                Response::new(204, "")
            }
            ("PUT", None) => {
                let len = request.body.len() / if lock(&self.habits).half { 2 } else { 1 };
                let tag = self.put(&request.path, request.body[..len].to_vec());
                Response::new(200, "").with("ETag", &tag)
            }
            _ => Response::new(405, ""),
        }
    }

    fn get(&self, request: &Request) -> Response {
        let habits = *lock(&self.habits);
        if request.query != habits.moved && !habits.moved.is_empty() {
            return Response::new(302, "").with("Location", &format!("{}?{}", request.path, habits.moved));
        }
        if request.query != habits.query && !habits.query.is_empty() {
            return Response::new(403, "");
        }
        let Some(object) = lock(&self.objects).get(&request.path).cloned() else {
            return Response::new(404, "no such object");
        };
        let size = object.bytes.len();
        let mut response = match request.range(size) {
            Some(Err(())) => Response::new(416, "").with("Content-Range", &format!("bytes */{size}")),
            Some(Ok((from, to))) if !(habits.no_ranges || habits.no_suffix && is_suffix(request)) => {
                let part = Response::new(206, &object.bytes[from..to]);
                let asked = request.headers["range"].split('-').nth(1).and_then(|end| end.parse::<usize>().ok());
                match asked {
                    Some(last) if habits.past_end && !is_suffix(request) && last >= size => Response {
                        close: true,
                        ..part
                            .with("Content-Range", &format!("bytes {from}-{last}/{size}"))
                            .with("Content-Length", &(last + 1 - from))
                    },
                    _ => part.with("Content-Range", &format!("bytes {from}-{}/{size}", to - 1)),
                }
            }
            _ => Response::new(200, object.bytes.to_vec()),
        };
        if !habits.no_etag {
            response = response.with("ETag", &format!("\"{}\"", object.number));
        }
        if !habits.no_date {
            let date = format!("Mon, 02 Nov 2026 10:{:02}:{:02} GMT", object.number / 60 % 60, object.number % 60);
            response = response.with("Last-Modified", &date);
        }
        response
    }

    fn put(&self, path: &str, bytes: Vec<u8>) -> String {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        lock(&self.objects).insert(path.to_owned(), Object { bytes: Arc::new(bytes), number });
        format!("\"{number}\"")
    }

    fn replace(&self, path: &str) {
        let other = lock(&self.objects).remove(&format!("{path}.new"));
        if let Some(other) = other {
            self.put(path, other.bytes.to_vec());
        }
    }

    fn whole(&self, request: &Request) -> Response {
        let mut request = request.clone();
        request.headers.remove("range");
        self.answer(&request)
    }

    /// What lies 100 bytes further on.
    fn shifted(&self, request: &Request) -> Response {
        let mut request = request.clone();
        let range = request.headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
        let moved = match range.map(|(from, to)| (from.parse::<u64>(), to.parse::<u64>())) {
            Some((Ok(from), Ok(to))) => format!("bytes={}-{}", from + 100, to + 100),
            Some((_, Ok(last))) => format!("bytes=-{}", last.max(101) - 100),
            _ => return self.answer(&request),
        };
        request.headers.insert("range".to_owned(), moved);
        self.answer(&request)
    }
}

fn is_suffix(request: &Request) -> bool {
    request.headers.get("range").is_some_and(|range| range.starts_with("bytes=-"))
}

fn truncated(mut response: Response) -> Response {
    if response.header("content-length").is_none() {
        response = response.clone().with("Content-Length", &response.body.len());
    }
    response.body.truncate(response.body.len() / 2);
    response.close = true;
    response
}

fn with_wrong_total(response: Response) -> Response {
    let Some((range, total)) = response.header("content-range").and_then(|range| range.split_once('/')) else {
        return response;
    };
    let value = format!("{range}/{}", total.parse::<u64>().unwrap_or(0) + 4096);
    response.without(&["content-range"]).with("Content-Range", &value)
}
