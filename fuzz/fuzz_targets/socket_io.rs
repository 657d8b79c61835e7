#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| haggle_fuzz::socket_io(data));
