//! Reading many pages with few requests.

use std::sync::Arc;

use bytes::Bytes;
use rntuple_core::memory::Pool;
use rntuple_core::metadata::PageInfo;
use rntuple_core::page::sealed_len;

use super::file::{File, file_range};
use crate::storage::{Access, ReadRange};

/// A page of a scan: cluster number in the data set, position of the column in the plan, number of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PageKey {
    pub(super) cluster: u64,
    pub(super) column: usize,
    pub(super) page: usize,
}

/// A page to be fetched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) key: PageKey,
    pub(super) offset: u64,
    pub(super) len: u64,
}

impl Wanted {
    /// A page that lies in one piece in the file; others are read one by one when they are used.
    pub(super) fn new(key: PageKey, page: &PageInfo, max_key_size: u64) -> Option<Self> {
        let (offset, _) = file_range(&page.locator)?;
        let len = sealed_len(page)?;
        (max_key_size == 0 || len <= max_key_size).then_some(Self { key, offset, len })
    }
}

/// Requests that are made at once where they touch: a local file is read by one call, but each has memory of its own, which
/// is free as soon as its pages were used.
const TOGETHER: usize = 8;

/// Fetches pages, with requests that join what lies close together, up to `parallel` of them at once, and delivers each
/// as soon as it is there.
///
/// Pages that cannot be read are left out: whoever uses them will get the error.
pub(super) fn fetch(
    file: &File,
    pool: &Arc<Pool>,
    wanted: Vec<Wanted>,
    parallel: usize,
    mut deliver: impl FnMut(PageKey, Bytes),
) {
    let (wanted, requests) = announce(file, wanted);
    let remote = file.source.access().remote;
    let (mut pages, mut rest) = (wanted.iter(), requests.as_slice());
    while !rest.is_empty() {
        let together = match parallel {
            // Answers from far away come at the same time anyway.
            _ if remote => rest.len(),
            0 | 1 => touching(rest),
            _ => parallel.min(rest.len()),
        };
        let (requests, later) = rest.split_at(together);
        rest = later;
        for (request, answer) in requests.iter().zip(read(file, pool, requests, parallel)) {
            for page in pages.by_ref().take(request.pages) {
                let Some(answer) = &answer else { continue };
                // In range: the request covers each of its pages, and is in memory.
                let start = usize::try_from(page.offset - request.start).unwrap_or(usize::MAX);
                let len = usize::try_from(page.len).unwrap_or(usize::MAX);
                deliver(page.key, answer.slice(start..start.saturating_add(len)));
            }
        }
    }
}

/// Tells the file that pages will be fetched. Gives those that it has, in its order, and the requests for them.
pub(super) fn announce(file: &File, mut wanted: Vec<Wanted>) -> (Vec<Wanted>, Vec<Request>) {
    let size = file.size();
    wanted.retain(|page| page.offset.checked_add(page.len).is_some_and(|end| end <= size));
    wanted.sort_unstable_by_key(|page| (page.offset, page.len));
    let requests = coalesce(&wanted, file.source.access());
    file.source.will_read(&requests.iter().map(|request| request.start..request.end).collect::<Vec<_>>());
    (wanted, requests)
}

/// Answers of the requests, in order.
fn read(file: &File, pool: &Arc<Pool>, requests: &[Request], parallel: usize) -> Vec<Option<Bytes>> {
    let len = |request: &Request| usize::try_from(request.end - request.start).unwrap_or(usize::MAX);
    let mut memory: Vec<_> = requests.iter().map(|request| pool.memory(len(request))).collect();
    let buffers = requests.iter().zip(&mut memory);
    let mut reads: Vec<_> =
        buffers.map(|(request, memory)| ReadRange::new(request.start, memory.grow(len(request)))).collect();
    file.read_many(&mut reads, requests.iter().map(|request| request.wanted).sum(), parallel);
    let good: Vec<bool> = reads.iter().map(|read| read.result.is_ok()).collect();
    memory.into_iter().zip(good).map(|(memory, good)| good.then(|| memory.into_bytes())).collect()
}

/// A range to be read at once.
#[derive(Debug)]
pub(super) struct Request {
    start: u64,
    end: u64,
    /// How many of the pages, in order, it covers.
    pages: usize,
    /// How many of the bytes belong to pages.
    wanted: u64,
}

/// How many of these requests, from the first on, touch each other, as far as they are made together.
fn touching(requests: &[Request]) -> usize {
    let pairs = requests.windows(2).take(TOGETHER - 1);
    1 + pairs.take_while(|pair| matches!(pair, [a, b] if a.end == b.start)).count()
}

/// Joins pages (ordered by offset, which may repeat) into requests.
fn coalesce(wanted: &[Wanted], access: Access) -> Vec<Request> {
    let mut requests: Vec<Request> = Vec::new();
    for page in wanted {
        let end = page.offset + page.len;
        match requests.last_mut() {
            Some(last)
                if page.offset <= last.end.saturating_add(access.gap)
                    && (end <= last.end || end - last.start <= access.request) =>
            {
                last.wanted += end.saturating_sub(page.offset.max(last.end));
                last.end = last.end.max(end);
                last.pages += 1;
            }
            _ => requests.push(Request { start: page.offset, end, pages: 1, wanted: page.len }),
        }
    }
    requests
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_GAP: u64 = Access::LOCAL.gap;
    const MAX_REQUEST: u64 = Access::LOCAL.request;

    fn joined(pages: &[(u64, u64)]) -> Vec<(u64, u64, usize)> {
        let key = PageKey { cluster: 0, column: 0, page: 0 };
        let wanted: Vec<Wanted> = pages.iter().map(|&(offset, len)| Wanted { key, offset, len }).collect();
        coalesce(&wanted, Access::LOCAL).iter().map(|r| (r.start, r.end, r.pages)).collect()
    }

    #[test]
    fn near_pages_share_a_request() {
        assert_eq!(joined(&[]), []);
        assert_eq!(joined(&[(100, 10), (110, 10), (200, 10)]), [(100, 210, 3)]);
        assert_eq!(joined(&[(0, 10), (10 + MAX_GAP, 10)]), [(0, 20 + MAX_GAP, 2)]);
        assert_eq!(joined(&[(0, 10), (11 + MAX_GAP, 10)]), [(0, 10, 1), (11 + MAX_GAP, 21 + MAX_GAP, 1)]);
    }

    #[test]
    fn unwanted_bytes_are_known() {
        let key = PageKey { cluster: 0, column: 0, page: 0 };
        let pages = [(0, 10), (5, 5), (20, 10), (20, 10)].map(|(offset, len)| Wanted { key, offset, len });
        let requests = coalesce(&pages, Access::LOCAL);
        assert_eq!(requests.iter().map(|r| (r.end, r.wanted)).collect::<Vec<_>>(), [(30, 20)]);
    }

    #[test]
    fn identical_pages_are_read_once() {
        assert_eq!(joined(&[(100, 10), (100, 10), (105, 5)]), [(100, 110, 3)]);
    }

    #[test]
    fn requests_have_a_largest_size_but_pages_may_be_larger() {
        assert_eq!(
            joined(&[(0, MAX_REQUEST), (MAX_REQUEST, 1)]),
            [(0, MAX_REQUEST, 1), (MAX_REQUEST, MAX_REQUEST + 1, 1)]
        );
        assert_eq!(joined(&[(0, MAX_REQUEST + 5)]), [(0, MAX_REQUEST + 5, 1)]);
    }
}
