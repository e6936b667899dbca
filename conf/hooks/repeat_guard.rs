//! Flags a key that is asked again and again: the same text in one field more than `most` times in ten seconds, which a
//! client in a circle does.
//!
//!     rustc --edition 2021 -O --crate-type cdylib -o librepeat_guard.so conf/hooks/repeat_guard.rs
//!
//!     {"type": "library", "path": "librepeat_guard.so", "settings": {"field": "order_id", "most": 100}}
//!
//! The structures are those of src/serving/hooks/forkcast_hook.h.

use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::panic::{catch_unwind, AssertUnwindSafe};

const ABI: u32 = 1;
const TEXT: u32 = 2;
const WINDOW_SECONDS: f64 = 10.0;
// Texts end with NUL.
const REPEATS: &[u8] = b"repeats\0";
const REPEATED: &[u8] = b"repeated\0";
const EXPECTED: &[u8] = b"expected field, a text, and most, an integer\0";

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Text {
    data: *const u8,
    size: usize,
}

impl Text {
    /// Precondition: the call that it came with goes on.
    unsafe fn bytes<'a>(&self) -> &'a [u8] {
        if self.size == 0 { &[] } else { std::slice::from_raw_parts(self.data, self.size) }
    }
}

#[repr(C)]
pub struct Column {
    name: Text,
    kind: u32,
    numbers: *const f64,
    texts: *const Text,
    missing: *const u8,
}

#[repr(C)]
pub struct Table {
    line_count: usize,
    row_numbers: *const usize,
    column_count: usize,
    columns: *const Column,
}

#[repr(C)]
pub struct Invocation {
    size: u32,
    status: i32,
    seconds: f64,
    request_id: Text,
    deployment: Text,
    route: Text,
    pipeline: Text,
    model_version: Text,
    fields: Table,
    features: Table,
    outputs: Table,
}

#[repr(C)]
pub struct Host {
    size: u32,
    this: *mut c_void,
    setting: extern "C" fn(*mut c_void, *const c_char) -> *const c_char,
    count: extern "C" fn(*mut c_void, *const c_char, u64),
    flag: extern "C" fn(*mut c_void, usize, *const c_char),
    reject_row: extern "C" fn(*mut c_void, usize, *const c_char, *const c_char),
    reject: extern "C" fn(*mut c_void, *const c_char, *const c_char),
    log: extern "C" fn(*mut c_void, *const c_char),
}

type OnInvocation = extern "C" fn(*mut c_void, *const Invocation) -> c_int;

#[repr(C)]
pub struct Hook {
    abi: u32,
    size: u32,
    create: extern "C" fn(*const Host, *mut c_char, usize) -> *mut c_void,
    destroy: extern "C" fn(*mut c_void),
    on_rows: Option<OnInvocation>,
    on_features: Option<OnInvocation>,
    on_outputs: Option<OnInvocation>,
    on_answer: Option<OnInvocation>,
    on_tick: Option<extern "C" fn(*mut c_void, f64) -> c_int>,
}

struct RepeatGuard {
    host: *const Host,
    field: Vec<u8>,
    most: u64,
    seen: HashMap<Vec<u8>, u64>,
    window_began: f64,
}

impl RepeatGuard {
    fn new(host: *const Host) -> Option<RepeatGuard> {
        let setting = |name: &str| unsafe {
            let name = CString::new(name).unwrap();
            let text = ((*host).setting)((*host).this, name.as_ptr());
            if text.is_null() { None } else { Some(CStr::from_ptr(text).to_owned()) }
        };
        Some(RepeatGuard {
            host,
            field: setting("field")?.into_bytes(),
            most: setting("most")?.to_str().ok()?.parse().ok()?,
            seen: HashMap::new(),
            window_began: 0.0,
        })
    }

    unsafe fn on_rows(&mut self, invocation: &Invocation) -> c_int {
        let fields = &invocation.fields;
        let columns = std::slice::from_raw_parts(fields.columns, fields.column_count);
        let column = match columns.iter().find(|c| c.kind == TEXT && c.name.bytes() == self.field) {
            Some(column) => column,
            None => return 1,
        };
        let host = &*self.host;
        for line in 0..fields.line_count {
            let times = self.seen.entry((*column.texts.add(line)).bytes().to_vec()).or_insert(0);
            *times += 1;
            if *times > self.most {
                (host.count)(host.this, REPEATS.as_ptr().cast(), 1);
                (host.flag)(host.this, *fields.row_numbers.add(line), REPEATED.as_ptr().cast());
            }
        }
        0
    }
}

extern "C" fn create(host: *const Host, error: *mut c_char, error_size: usize) -> *mut c_void {
    match RepeatGuard::new(host) {
        Some(guard) => Box::into_raw(Box::new(guard)).cast(),
        None => {
            let size = EXPECTED.len().min(error_size);
            unsafe { std::ptr::copy_nonoverlapping(EXPECTED.as_ptr().cast(), error, size) };
            std::ptr::null_mut()
        }
    }
}

extern "C" fn destroy(state: *mut c_void) {
    drop(unsafe { Box::from_raw(state.cast::<RepeatGuard>()) });
}

/// A panic may not leave Rust.
extern "C" fn on_rows(state: *mut c_void, invocation: *const Invocation) -> c_int {
    let guard = unsafe { &mut *state.cast::<RepeatGuard>() };
    catch_unwind(AssertUnwindSafe(|| unsafe { guard.on_rows(&*invocation) })).unwrap_or(2)
}

extern "C" fn on_tick(state: *mut c_void, now: f64) -> c_int {
    let guard = unsafe { &mut *state.cast::<RepeatGuard>() };
    if now - guard.window_began >= WINDOW_SECONDS {
        guard.window_began = now;
        guard.seen.clear();
    }
    0
}

static HOOK: Hook = Hook {
    abi: ABI,
    size: std::mem::size_of::<Hook>() as u32,
    create,
    destroy,
    on_rows: Some(on_rows),
    on_features: None,
    on_outputs: None,
    on_answer: None,
    on_tick: Some(on_tick),
};

#[no_mangle]
pub extern "C" fn forkcast_hook_entry() -> *const Hook {
    &HOOK
}
