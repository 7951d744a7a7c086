//! A pool of a Ceph cluster, through librados. Each value is an object of the pool.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io;
use std::ptr;
use std::sync::Arc;

use super::{Created, KeyedRead, KeyedStore, whole_len};

/// Requests that are under way at once.
const MAX_REQUESTS: usize = 64;

/// Keeps values as objects of a pool of a Ceph cluster. Clones share the connection.
///
/// Listing goes through all objects of the pool. A cluster takes objects of at most 128 MiB, unless it is configured
/// otherwise, so pages and envelopes must stay below that.
#[derive(Debug, Clone)]
pub struct RadosStore {
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Cluster(ffi::Cluster);

#[derive(Debug)]
struct Pool {
    io: ffi::IoContext,
    /// Given up behind the pool.
    _cluster: Cluster,
}

// SAFETY: librados takes calls on a connection, and on an I/O context whose settings are not changed, from any thread. The
// settings are left as they are.
unsafe impl Send for Cluster {}
// SAFETY: as above.
unsafe impl Sync for Cluster {}
// SAFETY: as above.
unsafe impl Send for Pool {}
// SAFETY: as above.
unsafe impl Sync for Pool {}

impl Drop for Cluster {
    fn drop(&mut self) {
        // SAFETY: made by `rados_create`, and no I/O context of it is left.
        unsafe { ffi::rados_shutdown(self.0) }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // SAFETY: made by `rados_ioctx_create`; each request was waited for.
        unsafe { ffi::rados_ioctx_destroy(self.io) }
    }
}

/// What a call says: a negative number is an error of the operating system.
fn check(answer: c_int) -> io::Result<usize> {
    usize::try_from(answer).map_err(|_| io::Error::from_raw_os_error(answer.saturating_neg()))
}

fn text(text: &str) -> io::Result<CString> {
    CString::new(text).map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))
}

/// The bytes of a value as librados has them.
fn bytes(value: &[u8]) -> *const c_char {
    value.as_ptr().cast()
}

impl RadosStore {
    /// Connects to the cluster that the usual configuration describes (`$CEPH_CONF`, `/etc/ceph/ceph.conf`,
    /// `$CEPH_ARGS`), for a pool that exists.
    ///
    /// # Errors
    /// Those of librados; [`io::ErrorKind::NotFound`] without a configuration, and without such a pool.
    pub fn open(pool: &str) -> io::Result<Self> {
        let pool = text(pool)?;
        let mut cluster = ptr::null_mut();
        // SAFETY: an out parameter; no id means the default one.
        check(unsafe { ffi::rados_create(&raw mut cluster, ptr::null()) })?;
        let cluster = Cluster(cluster);
        // SAFETY: a handle that is alive; null means the usual places, and the usual variable.
        check(unsafe { ffi::rados_conf_read_file(cluster.0, ptr::null()) })?;
        // SAFETY: as above.
        check(unsafe { ffi::rados_conf_parse_env(cluster.0, ptr::null()) })?;
        // SAFETY: a handle that is alive.
        check(unsafe { ffi::rados_connect(cluster.0) })?;
        let mut io = ptr::null_mut();
        // SAFETY: a handle that is alive and connected, a text that ends with zero, an out parameter.
        check(unsafe { ffi::rados_ioctx_create(cluster.0, pool.as_ptr(), &raw mut io) })?;
        Ok(Self { pool: Arc::new(Pool { io, _cluster: cluster }) })
    }

    /// Starts a request for each of `n` items, and waits for all of them; gives the answers. `start` passes its buffers
    /// to librados, which uses them until the end of this call.
    fn batch(n: usize, mut start: impl FnMut(usize, ffi::Completion) -> io::Result<c_int>) -> Vec<io::Result<usize>> {
        let mut answers = Vec::with_capacity(n);
        let mut under_way: Vec<io::Result<ffi::Completion>> = Vec::with_capacity(n);
        for i in 0..n {
            let mut completion = ptr::null_mut();
            // SAFETY: no callback, and an out parameter.
            let made = check(unsafe { ffi::rados_aio_create_completion2(ptr::null_mut(), None, &raw mut completion) });
            under_way.push(made.and_then(|_| {
                let started = start(i, completion).and_then(check);
                if started.is_err() {
                    // SAFETY: made above; the request was not started, so that nobody else has it.
                    unsafe { ffi::rados_aio_release(completion) }
                }
                started.map(|_| completion)
            }));
        }
        for completion in under_way {
            answers.push(completion.and_then(|completion| {
                // SAFETY: the completion of a request that was started. It is released once, after the wait.
                let answer = unsafe {
                    ffi::rados_aio_wait_for_complete(completion);
                    let answer = ffi::rados_aio_get_return_value(completion);
                    ffi::rados_aio_release(completion);
                    answer
                };
                check(answer)
            }));
        }
        answers
    }
}

impl KeyedStore for RadosStore {
    fn get(&self, reads: &mut [KeyedRead<'_>]) {
        for reads in reads.chunks_mut(MAX_REQUESTS) {
            let keys: Vec<io::Result<CString>> = reads.iter().map(|read| text(read.key)).collect();
            let answers = Self::batch(reads.len(), |i, completion| {
                let (Some(Ok(key)), Some(read)) = (keys.get(i), reads.get_mut(i)) else {
                    return Err(io::ErrorKind::InvalidInput.into());
                };
                if read.buffer.is_empty() {
                    // For librados that means the whole object.
                    return Err(io::ErrorKind::InvalidInput.into());
                }
                let (buffer, len) = (read.buffer.as_mut_ptr().cast(), read.buffer.len());
                // SAFETY: key and buffer stay where they are until `batch` has waited for the request; nobody else uses
                // the buffer.
                Ok(unsafe { ffi::rados_aio_read(self.pool.io, key.as_ptr(), completion, buffer, len, read.offset) })
            });
            for (read, answer) in reads.iter_mut().zip(answers) {
                read.result = match answer {
                    _ if read.buffer.is_empty() => Ok(()),
                    Ok(len) if len == read.buffer.len() => Ok(()),
                    Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
                    Err(error) => Err(error),
                };
            }
        }
    }

    fn size(&self, key: &str) -> io::Result<Option<u64>> {
        let key = text(key)?;
        let (mut size, mut time) = (0, 0);
        // SAFETY: a text that ends with zero, and out parameters.
        let found = check(unsafe { ffi::rados_stat(self.pool.io, key.as_ptr(), &raw mut size, &raw mut time) });
        match found {
            Ok(_) => Ok(Some(size)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn get_whole(&self, key: &str, most: usize) -> io::Result<Option<Vec<u8>>> {
        let text = text(key)?;
        loop {
            let Some(size) = self.size(key)? else { return Ok(None) };
            // With room to see that it has grown in the meantime.
            let mut value = vec![0_u8; whole_len(size, most)? + 1];
            let (buffer, len) = (value.as_mut_ptr().cast(), value.len());
            // SAFETY: a text that ends with zero, and a buffer of this length.
            let read = check(unsafe { ffi::rados_read(self.pool.io, text.as_ptr(), buffer, len, 0) });
            match read {
                Ok(read) if read == len => {}
                Ok(read) => {
                    value.truncate(read);
                    return Ok(Some(value));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    fn put(&self, values: &[(&str, &[u8])]) -> io::Result<()> {
        for values in values.chunks(MAX_REQUESTS) {
            let keys = values.iter().map(|(key, _)| text(key)).collect::<io::Result<Vec<CString>>>()?;
            let answers = Self::batch(values.len(), |i, completion| {
                let (Some(key), Some((_, value))) = (keys.get(i), values.get(i)) else {
                    return Err(io::ErrorKind::InvalidInput.into());
                };
                let io = self.pool.io;
                // SAFETY: key and value stay where they are until `batch` has waited for the request.
                Ok(unsafe { ffi::rados_aio_write_full(io, key.as_ptr(), completion, bytes(value), value.len()) })
            });
            answers.into_iter().try_for_each(|answer| answer.map(drop))?;
        }
        Ok(())
    }

    fn guards(&self) -> bool {
        true
    }

    fn put_new(&self, key: &str, value: &[u8]) -> io::Result<Created> {
        let key = text(key)?;
        // SAFETY: one operation, which is released whatever comes of it; key and value are there until then.
        let answer = unsafe {
            let operation = ffi::rados_create_write_op();
            ffi::rados_write_op_create(operation, ffi::CREATE_EXCLUSIVE, ptr::null());
            ffi::rados_write_op_write_full(operation, bytes(value), value.len());
            let answer = ffi::rados_write_op_operate(operation, self.pool.io, key.as_ptr(), ptr::null_mut(), 0);
            ffi::rados_release_write_op(operation);
            answer
        };
        match check(answer) {
            Ok(_) => Ok(Created::Yes),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Created::Exists),
            Err(error) => Err(error),
        }
    }

    fn delete(&self, keys: &[&str]) -> io::Result<()> {
        for keys in keys.chunks(MAX_REQUESTS) {
            let keys = keys.iter().map(|key| text(key)).collect::<io::Result<Vec<CString>>>()?;
            let answers = Self::batch(keys.len(), |i, completion| {
                let key = keys.get(i).ok_or(io::ErrorKind::InvalidInput)?;
                // SAFETY: the key stays where it is until `batch` has waited for the request.
                Ok(unsafe { ffi::rados_aio_remove(self.pool.io, key.as_ptr(), completion) })
            });
            for answer in answers {
                match answer {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn list(&self, prefix: &str) -> io::Result<Vec<String>> {
        let mut list = ptr::null_mut();
        // SAFETY: an out parameter.
        check(unsafe { ffi::rados_nobjects_list_open(self.pool.io, &raw mut list) })?;
        let mut found = Vec::new();
        let end = loop {
            let mut entry = ptr::null();
            let (no_locator, no_space) = (ptr::null_mut(), ptr::null_mut());
            // SAFETY: a list that is open, and an out parameter; what is not asked for may be null.
            let next = unsafe { ffi::rados_nobjects_list_next(list, &raw mut entry, no_locator, no_space) };
            match check(next) {
                // SAFETY: a text that ends with zero, which stays as it is until the next call on the list.
                Ok(_) => found.extend(unsafe { CStr::from_ptr(entry) }.to_str().ok().map(str::to_owned)),
                // The end of the list.
                Err(error) if error.kind() == io::ErrorKind::NotFound => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        // SAFETY: opened above.
        unsafe { ffi::rados_nobjects_list_close(list) };
        found.retain(|key| key.starts_with(prefix));
        found.sort_unstable();
        end.map(|()| found)
    }
}

/// What is used of librados (version 16 and later).
mod ffi {
    use super::{c_char, c_int, c_void};

    pub(super) type Cluster = *mut c_void;
    pub(super) type IoContext = *mut c_void;
    pub(super) type Completion = *mut c_void;
    pub(super) type WriteOperation = *mut c_void;
    pub(super) type List = *mut c_void;
    type Callback = Option<unsafe extern "C" fn(Completion, *mut c_void)>;
    /// `time_t` of all systems that Ceph runs on.
    type Time = i64;

    pub(super) const CREATE_EXCLUSIVE: c_int = 1;

    #[link(name = "rados")]
    // SAFETY: the functions are declared as in librados.h.
    unsafe extern "C" {
        pub(super) fn rados_create(cluster: *mut Cluster, id: *const c_char) -> c_int;
        pub(super) fn rados_conf_read_file(cluster: Cluster, path: *const c_char) -> c_int;
        pub(super) fn rados_conf_parse_env(cluster: Cluster, variable: *const c_char) -> c_int;
        pub(super) fn rados_connect(cluster: Cluster) -> c_int;
        pub(super) fn rados_shutdown(cluster: Cluster);
        pub(super) fn rados_ioctx_create(cluster: Cluster, pool: *const c_char, io: *mut IoContext) -> c_int;
        pub(super) fn rados_ioctx_destroy(io: IoContext);
        pub(super) fn rados_stat(io: IoContext, key: *const c_char, size: *mut u64, time: *mut Time) -> c_int;
        pub(super) fn rados_read(
            io: IoContext,
            key: *const c_char,
            buffer: *mut c_char,
            len: usize,
            offset: u64,
        ) -> c_int;
        pub(super) fn rados_aio_create_completion2(
            argument: *mut c_void,
            done: Callback,
            out: *mut Completion,
        ) -> c_int;
        pub(super) fn rados_aio_wait_for_complete(completion: Completion) -> c_int;
        pub(super) fn rados_aio_get_return_value(completion: Completion) -> c_int;
        pub(super) fn rados_aio_release(completion: Completion);
        pub(super) fn rados_aio_read(
            io: IoContext,
            key: *const c_char,
            completion: Completion,
            buffer: *mut c_char,
            len: usize,
            offset: u64,
        ) -> c_int;
        pub(super) fn rados_aio_write_full(
            io: IoContext,
            key: *const c_char,
            completion: Completion,
            value: *const c_char,
            len: usize,
        ) -> c_int;
        pub(super) fn rados_aio_remove(io: IoContext, key: *const c_char, completion: Completion) -> c_int;
        pub(super) fn rados_create_write_op() -> WriteOperation;
        pub(super) fn rados_release_write_op(operation: WriteOperation);
        pub(super) fn rados_write_op_create(operation: WriteOperation, exclusive: c_int, category: *const c_char);
        pub(super) fn rados_write_op_write_full(operation: WriteOperation, value: *const c_char, len: usize);
        pub(super) fn rados_write_op_operate(
            operation: WriteOperation,
            io: IoContext,
            key: *const c_char,
            time: *mut Time,
            flags: c_int,
        ) -> c_int;
        pub(super) fn rados_nobjects_list_open(io: IoContext, list: *mut List) -> c_int;
        pub(super) fn rados_nobjects_list_next(
            list: List,
            entry: *mut *const c_char,
            locator: *mut *const c_char,
            namespace: *mut *const c_char,
        ) -> c_int;
        pub(super) fn rados_nobjects_list_close(list: List);
    }
}
