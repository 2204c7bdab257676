//! Paths and queries of the explorer's pages: always a page.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|path: &str| {
    let page = explorer::page(gleaner_fuzz::node(), path);
    assert!(page.status < 500, "{}: {}", page.status, page.body);
});
